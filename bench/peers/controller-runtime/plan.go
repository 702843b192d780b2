package main

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var goals = []string{"Accepted", "Recorded", "Built", "Configured", "Verified", "Attached", "Detached", "Committed"}

// plan is what one turn comes to. When the operation is recorded or committed, that is written before anything is done.
type plan struct {
	phase     string
	message   string
	flavorID  string
	operation *Operation
	history   []Operation
	commits   bool
	again     bool
	create    *Amphora
	steer     map[string]string
	delete    []string
	ports     []int32
	closes    bool
}

// takesAway tells whether something serves no longer after it, or another flavor is in force.
func (p plan) takesAway() bool {
	for _, to := range p.steer {
		if to != "Attached" {
			return true
		}
	}
	return p.commits || p.closes
}

func isTrue(a *Amphora, condition string) bool {
	return meta.IsStatusConditionTrue(a.Status.Conditions, condition)
}
func isDraining(a *Amphora) bool { return a.Spec.Steering == "Draining" }
func serves(a *Amphora) bool {
	return a.Spec.Steering == "Attached" && a.Status.Attached && isTrue(a, "Ready")
}

// isDrained tells whether a draining amphora may be destroyed: it was asked to end its connections, and all have ended or their time is up.
func isDrained(a *Amphora, strategy Strategy, now time.Time) bool {
	started, connections := a.Status.DrainStartedAt, a.Status.Connections
	if !isDraining(a) || a.Status.Attached || started == nil {
		return false
	}
	ended := connections != nil && connections.Current == 0 && !connections.ObservedAt.Time.Before(started.Time)
	return ended || now.Sub(started.Time) >= time.Duration(strategy.DrainSeconds)*time.Second
}

func decide(w *world) (plan, error) {
	status := w.lb.Status
	p := plan{flavorID: status.FlavorID, operation: status.Operation, history: status.History}
	var err error
	if status.Operation != nil && status.Operation.FinishedAt == nil {
		p, err = goOn(w, p)
	} else {
		p = rest(w, p)
	}
	if err != nil || p.again {
		return p, err
	}
	for i := range w.amphorae {
		if a := &w.amphorae[i]; a.DeletionTimestamp == nil && isDrained(a, w.lb.Spec.Strategy, w.now) {
			p.delete = append(p.delete, a.Name)
		}
	}
	var now []int32
	if w.vip != nil {
		now = w.vip.Ports
	}
	if ports := portsToServe(w); w.vip == nil || !slices.Equal(ports, now) {
		p.ports = ports
		p.closes = slices.ContainsFunc(now, func(port int32) bool { return !slices.Contains(ports, port) })
	}
	return p, nil
}

// portsToServe are those of the enabled listeners that all serving amphorae listen on, and those that the VIP has already.
func portsToServe(w *world) []int32 {
	serving := 0
	for i := range w.amphorae {
		if serves(&w.amphorae[i]) {
			serving++
		}
	}
	ports := []int32{}
	for _, listener := range w.lb.Spec.Listeners {
		open := serving > 0
		for i := range w.amphorae {
			if a := &w.amphorae[i]; serves(a) && !slices.Contains(a.Status.Listeners, OpenPort{listener.ProtocolPort, true}) {
				open = false
			}
		}
		has := w.vip != nil && slices.Contains(w.vip.Ports, listener.ProtocolPort)
		if listener.AdminStateUp && (open || has) {
			ports = append(ports, listener.ProtocolPort)
		}
	}
	slices.Sort(ports)
	return ports
}

// rest begins an operation if the spec asks for one; else what is in force stays, and what belongs to nothing goes.
func rest(w *world, p plan) plan {
	wanted := w.lb.Spec.FlavorID
	if wanted != p.flavorID {
		return begun(w, p, wanted)
	}
	p.phase, p.message = "Steady", fmt.Sprintf("Flavor %s is in force; everything is as specified.", wanted)
	for i := range w.amphorae {
		a := &w.amphorae[i]
		inForce := a.Spec.FlavorID == wanted && p.operation != nil && a.Spec.Operation == p.operation.Number
		switch {
		case inForce && !serves(a):
			p.phase, p.message = "Pending", fmt.Sprintf("Waiting for amphora %s to serve.", a.Name)
		case inForce && (a.Status.ConfigurationHash != configurationOf(w.lb, a).hash || a.Status.MembersRevision != configurationOf(w.lb, a).revision):
			p.phase, p.message = "Pending", fmt.Sprintf("Waiting for amphora %s to load the present configuration.", a.Name)
		case !inForce && !isDraining(a) && a.DeletionTimestamp == nil:
			p.steer = map[string]string{a.Name: "Draining"}
		}
	}
	return p
}

func begun(w *world, p plan, wanted string) plan {
	now := metav1.NewTime(w.now.UTC().Truncate(time.Second))
	deadline := metav1.NewTime(now.Add(time.Duration(w.lb.Spec.Strategy.ProgressDeadlineSeconds) * time.Second))
	next := &Operation{Number: w.lb.Status.LastOperationNumber + 1, Kind: "Resize", From: p.flavorID, To: wanted, Attempt: 1,
		Step: "Built", Progress: "2/8", Goals: []GoalMet{{"Accepted", now}, {"Recorded", now}}, StartedAt: now, Deadline: &deadline}
	if p.flavorID == "" {
		next.Kind = "Create"
	}
	for i := range w.amphorae {
		if !isDraining(&w.amphorae[i]) {
			next.Replaces = append(next.Replaces, w.amphorae[i].Name)
		}
	}
	if p.operation != nil {
		p.history = append([]Operation{*p.operation}, p.history...)
		p.history = p.history[:min(len(p.history), 10)]
	}
	p.operation, p.phase, p.again = next, "Operating", true
	p.message = fmt.Sprintf("%s to %s.", next.Kind, wanted)
	return p
}

// goOn is an operation at hand: the first goal that is not met, and what brings it nearer.
func goOn(w *world, p plan) (plan, error) {
	operation := p.operation.deepCopy()
	p.operation, p.phase = &operation, "Operating"
	met, message, err := firstUnmet(w, &p)
	if err != nil {
		return p, err
	}
	now := metav1.NewTime(w.now.UTC().Truncate(time.Second))
	for i := len(operation.Goals); i < min(met, len(goals)); i++ {
		operation.Goals = append(operation.Goals, GoalMet{goals[i], now})
		deadline := metav1.NewTime(now.Add(time.Duration(w.lb.Spec.Strategy.ProgressDeadlineSeconds) * time.Second))
		operation.Deadline = &deadline
	}
	operation.Step, operation.Progress, operation.Message = goals[min(met, len(goals)-1)], fmt.Sprintf("%d/8", met), message
	p.message = message
	if met == len(goals) {
		p.commits, p.again, p.flavorID = true, true, operation.To
		operation.Deadline, operation.Result, operation.Reason, operation.FinishedAt = nil, "Succeeded", "AsSpecified", &now
	}
	return p, nil
}

func firstUnmet(w *world, p *plan) (int, string, error) {
	operation := p.operation
	name := amphoraName(w.lb, operation.Number)
	a := w.named(name)
	if a == nil {
		data, err := w.flavor(operation.To)
		if err != nil {
			return 0, "", err
		}
		p.create = newAmphora(w.lb, operation, freePeer(w.amphorae), data)
		return 2, "Creating the new amphorae.", nil
	}
	if !isTrue(a, "Ready") {
		return 2, fmt.Sprintf("Waiting for amphora %s to run.", name), nil
	}
	wanted := configurationOf(w.lb, a)
	if a.Status.ConfigurationHash != wanted.hash || a.Status.MembersRevision != wanted.revision || !a.Status.StickTablesSynced {
		return 3, fmt.Sprintf("Waiting for amphora %s to load the present configuration.", name), nil
	}
	for _, port := range wanted.ports {
		if !slices.Contains(a.Status.Listeners, OpenPort{port, true}) {
			return 4, fmt.Sprintf("Waiting for port %d to be open on amphora %s.", port, name), nil
		}
	}
	if a.Spec.Steering != "Attached" {
		p.steer = map[string]string{name: "Attached"}
		return 5, "Putting the new amphorae behind the VIP.", nil
	}
	if !a.Status.Attached {
		return 5, fmt.Sprintf("Waiting for %s to be seen behind the VIP.", name), nil
	}
	if ports := portsToServe(w); w.vip == nil || !slices.Equal(w.vip.Ports, ports) {
		return 5, "Opening the ports of the VIP.", nil
	}
	if !slices.Contains(w.reached, name) {
		return 6, fmt.Sprintf("Waiting for new connections to reach %s.", name), nil
	}
	for _, old := range operation.Replaces {
		if o := w.named(old); o != nil && o.Spec.Steering == "Attached" {
			p.steer = map[string]string{old: "Detached"}
		}
	}
	if len(p.steer) > 0 {
		return 6, "Taking the old amphorae from behind the VIP.", nil
	}
	for _, old := range operation.Replaces {
		if o := w.named(old); o != nil && (o.Status.Attached || slices.Contains(w.reached, old)) {
			return 6, fmt.Sprintf("Waiting for %s to be seen out of the VIP.", old), nil
		}
	}
	return len(goals), fmt.Sprintf("Flavor %s is in force.", operation.To), nil
}

func freePeer(amphorae []Amphora) int64 {
	for peer := int64(0); ; peer++ {
		if !slices.ContainsFunc(amphorae, func(a Amphora) bool { return a.Spec.Peer == peer }) {
			return peer
		}
	}
}
