package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

type amphoraReconciler struct {
	client.Client
	// Asks the API server itself.
	fresh  client.Reader
	driver *driver
	// How often one that serves is asked how it is, and one on which something waits.
	observe, progress time.Duration
}

func (r *amphoraReconciler) setup(mgr ctrl.Manager) error {
	concerns := predicate.Or(predicate.GenerationChangedPredicate{}, predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return !slices.Equal(e.ObjectOld.(*LoadBalancer).Status.VipPorts, e.ObjectNew.(*LoadBalancer).Status.VipPorts)
	}})
	return ctrl.NewControllerManagedBy(mgr).
		For(&Amphora{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&LoadBalancer{}, handler.EnqueueRequestsFromMapFunc(r.ofLoadBalancer), builder.WithPredicates(concerns)).
		WithOptions(controller.Options{RateLimiter: rateLimiter()}).
		Complete(r)
}

func (r *amphoraReconciler) ofLoadBalancer(ctx context.Context, lb client.Object) []reconcile.Request {
	list := &AmphoraList{}
	if err := r.List(ctx, list, client.InNamespace(lb.GetNamespace()), client.MatchingFields{byLoadBalancer: string(lb.GetUID())}); err != nil {
		return nil
	}
	requests := make([]reconcile.Request, len(list.Items))
	for i := range list.Items {
		requests[i].NamespacedName = client.ObjectKeyFromObject(&list.Items[i])
	}
	return requests
}

func (r *amphoraReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	amphora := &Amphora{}
	if err := r.Get(ctx, request.NamespacedName, amphora); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	lb := &LoadBalancer{}
	err := r.Get(ctx, types.NamespacedName{Namespace: amphora.Namespace, Name: amphora.Spec.LoadBalancer.Name}, lb)
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, err
	}
	gone := err != nil || string(lb.UID) != amphora.Spec.LoadBalancer.UID
	if amphora.DeletionTimestamp != nil {
		return r.end(ctx, amphora, lb, gone)
	}
	if gone {
		return ctrl.Result{}, client.IgnoreNotFound(r.Delete(ctx, amphora))
	}
	uid := string(lb.UID)
	wanted := configurationOf(lb, amphora)
	seen := r.driver.observe(uid, amphora.Name)
	drained := amphora.Status.DrainStartedAt != nil
	if amphora.Spec.Steering != "Draining" && (!seen.running || seen.hash != wanted.hash || seen.revision != wanted.revision) {
		r.driver.load(uid, amphora.Name, wanted)
	}
	if amphora.Spec.Steering == "Attached" {
		if !seen.attached {
			r.driver.steer(uid, amphora.Name, true)
		}
	} else if drained, err = r.takeAway(ctx, amphora, lb, seen, drained); err != nil {
		return ctrl.Result{}, err
	}
	seen = r.driver.observe(uid, amphora.Name)
	if err := r.report(ctx, amphora, seen, wanted, drained); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if amphora.Spec.Steering == "Attached" && seen.attached {
		return ctrl.Result{RequeueAfter: r.observe}, nil
	}
	return ctrl.Result{RequeueAfter: r.progress}, nil
}

// takeAway detaches or drains, as the API server has the object at this moment; never the last amphora that new connections reach.
func (r *amphoraReconciler) takeAway(ctx context.Context, stale *Amphora, lb *LoadBalancer, seen observation, drained bool) (bool, error) {
	due := stale.Spec.Steering == "Draining" && !drained
	if !seen.attached && !due {
		return drained, nil
	}
	amphora := &Amphora{}
	if err := r.fresh.Get(ctx, client.ObjectKeyFromObject(stale), amphora); err != nil || amphora.UID != stale.UID || amphora.Spec.Steering == "Attached" {
		return drained, client.IgnoreNotFound(err)
	}
	if !seen.attached {
		return amphora.Spec.Steering == "Draining", nil
	}
	_, reached := r.driver.observeVip(string(lb.UID))
	list := &AmphoraList{}
	if err := r.fresh.List(ctx, list, client.InNamespace(lb.Namespace), client.MatchingLabels{uidLabel: string(lb.UID)}); err != nil {
		return drained, err
	}
	stays := slices.ContainsFunc(list.Items, func(a Amphora) bool {
		return a.UID != amphora.UID && a.Spec.Steering == "Attached" && slices.Contains(reached, a.Name)
	})
	if !stays {
		return drained, fmt.Errorf("amphora %s stays behind the VIP: new connections reach no other one now", amphora.Name)
	}
	r.driver.steer(string(lb.UID), amphora.Name, false)
	return drained, nil
}

// end destroys a deleted amphora once nothing needs it, and lets its object go.
func (r *amphoraReconciler) end(ctx context.Context, stale *Amphora, lb *LoadBalancer, gone bool) (ctrl.Result, error) {
	amphora := &Amphora{}
	if err := r.fresh.Get(ctx, client.ObjectKeyFromObject(stale), amphora); err != nil || amphora.UID != stale.UID {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !gone && lb.DeletionTimestamp == nil && !isDrained(amphora, lb.Spec.Strategy, time.Now()) {
		return ctrl.Result{RequeueAfter: r.progress}, nil
	}
	r.driver.steer(amphora.Spec.LoadBalancer.UID, amphora.Name, false)
	r.driver.destroy(amphora.Spec.LoadBalancer.UID, amphora.Name)
	before := amphora.DeepCopy()
	controllerutil.RemoveFinalizer(amphora, amphoraFinalizer)
	err := r.Patch(ctx, amphora, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	return ctrl.Result{}, client.IgnoreNotFound(err)
}

func microTime(at time.Time) *metav1.MicroTime {
	return &metav1.MicroTime{Time: at.UTC().Truncate(time.Microsecond)}
}

// report writes the status where it tells something new; counters that have not changed are nothing new.
func (r *amphoraReconciler) report(ctx context.Context, amphora *Amphora, seen observation, wanted configuration, drained bool) error {
	now := time.Now()
	before := amphora.Status.deepCopy()
	status := &amphora.Status
	status.ObservedGeneration, status.Address = amphora.Generation, seen.address
	if seen.running {
		status.HaproxyVersion, status.StartedAt = "simulated", microTime(seen.startedAt)
	}
	if status.Attached != seen.attached {
		status.SteeredAt = microTime(now)
	}
	status.Attached, status.ConfigurationHash, status.MembersRevision = seen.attached, seen.hash, seen.revision
	status.StickTablesSynced = true
	status.Listeners, status.Statistics = nil, nil
	for i, port := range seen.ports {
		status.Listeners = append(status.Listeners, OpenPort{port, seen.running})
		if i == 0 {
			status.Statistics = append(status.Statistics, ListenerStatistics{ProtocolPort: port})
		}
	}
	if drained && status.DrainStartedAt == nil {
		status.DrainStartedAt = microTime(now)
	}
	r.claim(status, amphora.Generation, seen, wanted, now)
	if before.Connections != nil && equality.Semantic.DeepEqual(before, *status) {
		return nil
	}
	quiet := *microTime(now)
	if before.Connections != nil && !seen.attached {
		quiet = before.Connections.QuietSince
	}
	status.Connections = &Connections{QuietSince: quiet, ObservedAt: *microTime(now)}
	return r.Status().Update(ctx, amphora)
}

func (r *amphoraReconciler) claim(status *AmphoraStatus, generation int64, seen observation, wanted configuration, now time.Time) {
	claim := func(kind string, holds bool, reason, message string) {
		value := metav1.ConditionFalse
		if holds {
			value = metav1.ConditionTrue
		}
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{Type: kind, Status: value, Reason: reason, Message: message,
			ObservedGeneration: generation, LastTransitionTime: metav1.NewTime(now.UTC().Truncate(time.Second))})
	}
	if seen.running {
		claim("Ready", true, "Running", fmt.Sprintf("HAProxy simulated runs at %s.", seen.address))
	} else {
		claim("Ready", false, "Starting", "HAProxy is not running yet.")
	}
	if seen.hash == wanted.hash && seen.revision == wanted.revision {
		claim("Configured", true, "Loaded", "The present configuration and members are loaded.")
	} else {
		claim("Configured", false, "Loading", "The present configuration is not loaded yet.")
	}
	claim("Lost", false, "Present", "The amphora is there.")
}
