package main

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// statusOf is the whole status of a load balancer after a turn.
func statusOf(w *world, p plan) LoadBalancerStatus {
	status := w.lb.Status.deepCopy()
	status.ObservedGeneration = w.lb.Generation
	status.FlavorID, status.Operation, status.History = p.flavorID, p.operation, p.history
	if p.operation != nil {
		status.LastOperationNumber = p.operation.Number
	}
	if p.commits {
		status.Topology = "SINGLE"
	}
	status.VipPorts = nil
	if w.vip != nil {
		if w.vip.Address != "" {
			status.VipAddress = w.vip.Address
		}
		status.VipPorts = w.vip.Ports
	}
	status.ProvisioningStatus = provisioningOf(p)
	status.OperatingStatus = "OFFLINE"
	status.Resize = resizeWord(p.operation)
	status.Amphorae = nil
	var serving []string
	for i := range w.amphorae {
		a := &w.amphorae[i]
		if serves(a) {
			status.OperatingStatus = "ONLINE"
			serving = append(serving, a.Name)
		}
		status.Amphorae = append(status.Amphorae, lineOf(a))
	}
	claim := func(kind string, holds bool, reason, message string) {
		value := metav1.ConditionFalse
		if holds {
			value = metav1.ConditionTrue
		}
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{Type: kind, Status: value, Reason: reason, Message: message,
			ObservedGeneration: w.lb.Generation, LastTransitionTime: metav1.NewTime(w.now.UTC().Truncate(1e9))})
	}
	steady := p.phase == "Steady"
	reason := map[string]string{"Steady": "AsSpecified", "Operating": "OperationInProgress", "Pending": "ConfigurationPending", "Deleting": "Deleting"}[p.phase]
	claim("Ready", steady, reason, p.message)
	if len(serving) > 0 {
		claim("Available", true, "Serving", fmt.Sprintf("The VIP %s is served by %s.", status.VipAddress, strings.Join(serving, ", ")))
	} else {
		claim("Available", false, "NoAmphora", "No amphora takes the traffic of the VIP.")
	}
	resizing(p, claim)
	if steady {
		meta.RemoveStatusCondition(&status.Conditions, "Reconciling")
	} else {
		claim("Reconciling", true, reason, p.message)
	}
	return status
}

func provisioningOf(p plan) string {
	switch {
	case p.phase == "Deleting":
		return "PENDING_DELETE"
	case p.phase == "Operating" && p.operation.Kind == "Create":
		return "PENDING_CREATE"
	case p.phase == "Operating" || p.phase == "Pending":
		return "PENDING_UPDATE"
	default:
		return "ACTIVE"
	}
}

func resizeWord(operation *Operation) string {
	switch {
	case operation == nil:
		return ""
	case operation.FinishedAt == nil:
		return fmt.Sprintf("%s %s", goals[max(0, slices.Index(goals, operation.Step)-1)], operation.Progress)
	case operation.Kind == "Resize":
		return operation.Result
	default:
		return ""
	}
}

func resizing(p plan, claim func(kind string, holds bool, reason, message string)) {
	var last *Operation
	for _, operation := range append(slices.Clone(p.history), Operation{}) {
		if operation.Kind == "Resize" {
			last = &operation
			break
		}
	}
	if p.operation != nil && p.operation.Kind == "Resize" {
		last = p.operation
	}
	switch {
	case last == nil:
		claim("Resizing", false, "NeverResized", "No resize has been asked for yet.")
	case last.FinishedAt == nil:
		claim("Resizing", true, "ResizeInProgress", fmt.Sprintf("Resizing from %s to %s, %s goals met, now %s: %s", last.From, last.To, last.Progress, last.Step, last.Message))
	default:
		claim("Resizing", false, "ResizeSucceeded", fmt.Sprintf("Resized from %s to %s in %.0f s.", last.From, last.To, last.FinishedAt.Sub(last.StartedAt.Time).Seconds()))
	}
}

func lineOf(a *Amphora) AmphoraLine {
	traffic := "NotYet"
	switch {
	case isDraining(a):
		traffic = "Draining"
	case serves(a):
		traffic = "Carries"
	case a.Spec.Steering == "Detached" && a.Status.SteeredAt != nil:
		traffic = "NoLonger"
	}
	line := AmphoraLine{Name: a.Name, FlavorID: a.Spec.FlavorID, Role: a.Spec.Role, Traffic: traffic, Ready: isTrue(a, "Ready"), Address: a.Status.Address}
	if a.Status.Connections != nil {
		line.Connections = a.Status.Connections.Current
	}
	return line
}

type told struct{ reason, note string }

// turnsOf are the Events of an operation: its start, each goal and its end.
func turnsOf(before, after *Operation) []told {
	if after == nil {
		return nil
	}
	what := fmt.Sprintf("%s to %s (operation %d)", after.Kind, after.To, after.Number)
	same := before != nil && before.Number == after.Number
	var turns []told
	known := 2
	if same {
		known = len(before.Goals)
	} else {
		turns = append(turns, told{after.Kind + "Started", what + " started: Accepted and Recorded, 2 of 8 goals met."})
	}
	for i := known; i < len(after.Goals); i++ {
		turns = append(turns, told{after.Goals[i].Name, fmt.Sprintf("%s: %s, %d of 8 goals met.", what, after.Goals[i].Name, i+1)})
	}
	if after.Result != "" && (!same || before.Result == "") {
		turns = append(turns, told{after.Kind + after.Result, what + " is done."})
	}
	return turns
}
