package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// byLoadBalancer is the index by which the amphorae of a load balancer's uid are found in the cache.
const byLoadBalancer = "spec.loadBalancer.uid"

type loadBalancerReconciler struct {
	client.Client
	// Asks the API server itself.
	fresh  client.Reader
	driver *driver
	events events.EventRecorder
}

func (r *loadBalancerReconciler) setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		// The status is this operator's own word: a reconcile goes on with what it has written.
		For(&LoadBalancer{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Owns(&Amphora{}).
		WithOptions(controller.Options{RateLimiter: rateLimiter()}).
		Complete(r)
}

// world is what a decision about one load balancer rests on.
type world struct {
	now      time.Time
	lb       *LoadBalancer
	amphorae []Amphora
	vip      *vip
	reached  []string
	flavor   func(id string) (FlavorData, error)
}

func (r *loadBalancerReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	lb := &LoadBalancer{}
	if err := r.Get(ctx, request.NamespacedName, lb); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if lb.DeletionTimestamp != nil {
		return ctrl.Result{}, r.end(ctx, lb)
	}
	if lb.Spec.Suspend {
		return ctrl.Result{}, nil
	}
	before := lb.DeepCopy()
	if controllerutil.AddFinalizer(lb, loadBalancerFinalizer) {
		if err := r.Patch(ctx, lb, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{}, client.IgnoreNotFound(r.steps(ctx, lb))
}

// mostSteps bounds how long a reconcile goes on with what it has just done.
const mostSteps = 8

// steps looks, decides and acts for as long as there is something to do, and writes the status where an operation begins or ends, and at the end.
func (r *loadBalancerReconciler) steps(ctx context.Context, lb *LoadBalancer) error {
	seen, err := r.look(ctx, r.Client, lb, client.MatchingFields{byLoadBalancer: string(lb.UID)})
	if err != nil {
		return err
	}
	fresh := false
	for step := 1; ; step++ {
		seen.now = time.Now()
		seen.vip, seen.reached = r.driver.observeVip(string(lb.UID))
		plan, err := decide(seen)
		if err != nil {
			return err
		}
		if plan.takesAway() && !fresh {
			// Decided again on what the API server has at this moment, so that no stale cache takes the last amphora away.
			if err := r.fresh.Get(ctx, client.ObjectKeyFromObject(lb), lb); err != nil {
				return err
			}
			if seen, err = r.look(ctx, r.fresh, lb, client.MatchingLabels{uidLabel: string(lb.UID)}); err != nil {
				return err
			}
			fresh = true
			continue
		}
		acted, err := r.act(ctx, seen, plan)
		if err != nil {
			return err
		}
		if acted && !plan.again && step < mostSteps {
			continue
		}
		if err := r.writeStatus(ctx, lb, statusOf(seen, plan)); err != nil {
			return err
		}
		if !plan.again || step >= mostSteps {
			return nil
		}
	}
}

// act does what a plan says, and brings what was seen up to date with it. It tells whether there was anything to do.
func (r *loadBalancerReconciler) act(ctx context.Context, seen *world, plan plan) (bool, error) {
	lb := seen.lb
	if plan.ports != nil {
		r.driver.ensureVip(string(lb.UID), lb.Status.VipAddress, plan.ports)
	}
	if plan.create != nil {
		err := r.Create(ctx, plan.create)
		if apierrors.IsAlreadyExists(err) {
			// This cache lags: the object's event is on its way.
			return false, nil
		}
		if err != nil {
			return false, err
		}
		seen.amphorae = append(seen.amphorae, *plan.create)
	}
	for name, to := range plan.steer {
		amphora := seen.named(name)
		before := amphora.DeepCopy()
		amphora.Spec.Steering = to
		if err := r.Patch(ctx, amphora, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
			return false, err
		}
	}
	for _, name := range plan.delete {
		// It rests on this one object, whose very version is demanded.
		amphora := seen.named(name)
		err := r.Delete(ctx, amphora, client.Preconditions{UID: &amphora.UID, ResourceVersion: &amphora.ResourceVersion})
		if client.IgnoreNotFound(err) != nil {
			return false, err
		}
		now := metav1.Now()
		amphora.DeletionTimestamp = &now
	}
	return plan.ports != nil || plan.create != nil || len(plan.steer)+len(plan.delete) > 0, nil
}

func (r *loadBalancerReconciler) look(ctx context.Context, from client.Reader, lb *LoadBalancer, which client.ListOption) (*world, error) {
	list := &AmphoraList{}
	if err := from.List(ctx, list, client.InNamespace(lb.Namespace), which); err != nil {
		return nil, err
	}
	slices.SortFunc(list.Items, func(a, b Amphora) int { return int(a.Spec.Operation - b.Spec.Operation) })
	found, reached := r.driver.observeVip(string(lb.UID))
	flavor := func(id string) (FlavorData, error) { return flavorData(ctx, r.Client, id) }
	return &world{now: time.Now(), lb: lb, amphorae: list.Items, vip: found, reached: reached, flavor: flavor}, nil
}

func (r *loadBalancerReconciler) writeStatus(ctx context.Context, lb *LoadBalancer, status LoadBalancerStatus) error {
	if equality.Semantic.DeepEqual(lb.Status, status) {
		return nil
	}
	before := lb.Status
	lb.Status = status
	if err := r.Status().Update(ctx, lb); err != nil {
		return err
	}
	for _, turn := range turnsOf(before.Operation, lb.Status.Operation) {
		r.events.Eventf(lb, nil, "Normal", turn.reason, lb.Status.Operation.Kind, "%s", turn.note)
	}
	return nil
}

// end releases the VIP, deletes the amphorae and lets the object go, each once the former is done.
func (r *loadBalancerReconciler) end(ctx context.Context, stale *LoadBalancer) error {
	lb := &LoadBalancer{}
	if err := r.fresh.Get(ctx, client.ObjectKeyFromObject(stale), lb); err != nil || lb.UID != stale.UID {
		return client.IgnoreNotFound(err)
	}
	seen, err := r.look(ctx, r.fresh, lb, client.MatchingLabels{uidLabel: string(lb.UID)})
	if err != nil {
		return err
	}
	r.driver.releaseVip(string(lb.UID))
	seen.vip, seen.reached = nil, nil
	if len(seen.amphorae) == 0 {
		before := lb.DeepCopy()
		controllerutil.RemoveFinalizer(lb, loadBalancerFinalizer)
		return client.IgnoreNotFound(r.Patch(ctx, lb, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})))
	}
	for i := range seen.amphorae {
		if amphora := &seen.amphorae[i]; amphora.DeletionTimestamp == nil {
			if err := client.IgnoreNotFound(r.Delete(ctx, amphora)); err != nil {
				return err
			}
		}
	}
	return r.writeStatus(ctx, lb, statusOf(seen, plan{phase: "Deleting", operation: lb.Status.Operation, flavorID: lb.Status.FlavorID,
		message: fmt.Sprintf("Waiting for %d amphorae to end.", len(seen.amphorae))}))
}

func flavorData(ctx context.Context, reader client.Reader, id string) (FlavorData, error) {
	flavor, profile := &Flavor{}, &FlavorProfile{}
	if err := reader.Get(ctx, types.NamespacedName{Name: id}, flavor); err != nil {
		return FlavorData{}, err
	}
	err := reader.Get(ctx, types.NamespacedName{Name: flavor.Spec.FlavorProfile}, profile)
	return profile.Spec.FlavorData, err
}

func (w *world) named(name string) *Amphora {
	for i := range w.amphorae {
		if w.amphorae[i].Name == name {
			return &w.amphorae[i]
		}
	}
	return nil
}

func amphoraName(lb *LoadBalancer, number int64) string {
	sum := sha256.Sum256([]byte(lb.UID))
	return fmt.Sprintf("%s-%s-%d-0", lb.Name, hex.EncodeToString(sum[:])[:6], number)
}

func newAmphora(lb *LoadBalancer, operation *Operation, peer int64, data FlavorData) *Amphora {
	yes := true
	return &Amphora{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:  lb.Namespace,
			Name:       amphoraName(lb, operation.Number),
			Labels:     map[string]string{uidLabel: string(lb.UID), "app.kubernetes.io/managed-by": "reflavor", "app.kubernetes.io/instance": lb.Name},
			Finalizers: []string{amphoraFinalizer},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: groupVersion.String(), Kind: "LoadBalancer", Name: lb.Name, UID: lb.UID,
				Controller: &yes, BlockOwnerDeletion: &yes}},
		},
		Spec: AmphoraSpec{
			LoadBalancer: LoadBalancerReference{Name: lb.Name, UID: string(lb.UID)},
			Operation:    operation.Number,
			Role:         "STANDALONE",
			Peer:         peer,
			Provider:     lb.Spec.Provider,
			FlavorID:     operation.To,
			FlavorData:   data,
			Steering:     "Detached",
		},
	}
}
