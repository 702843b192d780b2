package main

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// flavorReconciler copies a profile's provider and topology into the flavor's status.
type flavorReconciler struct{ client.Client }

func (r *flavorReconciler) setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		For(&Flavor{}).
		Watches(&FlavorProfile{}, handler.EnqueueRequestsFromMapFunc(r.ofProfile)).
		WithOptions(controller.Options{RateLimiter: rateLimiter()}).
		Complete(r)
}

func (r *flavorReconciler) ofProfile(ctx context.Context, profile client.Object) []reconcile.Request {
	list := &FlavorList{}
	if err := r.List(ctx, list); err != nil {
		return nil
	}
	var requests []reconcile.Request
	for _, flavor := range list.Items {
		if flavor.Spec.FlavorProfile == profile.GetName() {
			requests = append(requests, reconcile.Request{NamespacedName: types.NamespacedName{Name: flavor.Name}})
		}
	}
	return requests
}

func (r *flavorReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	flavor, profile := &Flavor{}, &FlavorProfile{}
	if err := r.Get(ctx, request.NamespacedName, flavor); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if err := r.Get(ctx, types.NamespacedName{Name: flavor.Spec.FlavorProfile}, profile); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	before := flavor.DeepCopyObject().(*Flavor).Status
	status := &flavor.Status
	status.ObservedGeneration, status.Provider, status.LoadbalancerTopology = flavor.Generation, profile.Spec.Provider, profile.Spec.FlavorData.LoadbalancerTopology
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{Type: "Ready", Status: metav1.ConditionTrue, Reason: "AsSpecified",
		ObservedGeneration: flavor.Generation, Message: fmt.Sprintf("Profile %s of provider %s.", profile.Name, profile.Spec.Provider)})
	if equality.Semantic.DeepEqual(before, *status) {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{}, r.Status().Update(ctx, flavor)
}
