package main

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// What controller-gen would write for these kinds.

func pointerCopy[T any](in *T) *T {
	if in == nil {
		return nil
	}
	out := *in
	return &out
}

func conditionsCopy(in []metav1.Condition) []metav1.Condition { return slices.Clone(in) }

func (in Operation) deepCopy() Operation {
	in.Goals = slices.Clone(in.Goals)
	in.Replaces = slices.Clone(in.Replaces)
	in.Deadline = in.Deadline.DeepCopy()
	in.FinishedAt = in.FinishedAt.DeepCopy()
	return in
}

func (in LoadBalancerStatus) deepCopy() LoadBalancerStatus {
	in.VipPorts = slices.Clone(in.VipPorts)
	in.Amphorae = slices.Clone(in.Amphorae)
	if in.Operation != nil {
		operation := in.Operation.deepCopy()
		in.Operation = &operation
	}
	in.History = slices.Clone(in.History)
	for i := range in.History {
		in.History[i] = in.History[i].deepCopy()
	}
	in.Conditions = conditionsCopy(in.Conditions)
	return in
}

func (in *LoadBalancer) DeepCopy() *LoadBalancer {
	out := *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Spec.Listeners = slices.Clone(in.Spec.Listeners)
	out.Spec.Pools = slices.Clone(in.Spec.Pools)
	for i := range out.Spec.Pools {
		out.Spec.Pools[i].Members = slices.Clone(out.Spec.Pools[i].Members)
	}
	out.Status = in.Status.deepCopy()
	return &out
}

func (in *LoadBalancer) DeepCopyObject() runtime.Object { return in.DeepCopy() }

func (in FlavorData) deepCopy() FlavorData {
	in.Compute = pointerCopy(in.Compute)
	return in
}

func (in AmphoraStatus) deepCopy() AmphoraStatus {
	in.StartedAt = in.StartedAt.DeepCopy()
	in.SteeredAt = in.SteeredAt.DeepCopy()
	in.DrainStartedAt = in.DrainStartedAt.DeepCopy()
	in.Listeners = slices.Clone(in.Listeners)
	in.Connections = pointerCopy(in.Connections)
	in.Statistics = slices.Clone(in.Statistics)
	in.Conditions = conditionsCopy(in.Conditions)
	return in
}

func (in *Amphora) DeepCopy() *Amphora {
	out := *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Spec.FlavorData = in.Spec.FlavorData.deepCopy()
	out.Status = in.Status.deepCopy()
	return &out
}

func (in *Amphora) DeepCopyObject() runtime.Object { return in.DeepCopy() }

func (in *Flavor) DeepCopyObject() runtime.Object {
	out := *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Status.Conditions = conditionsCopy(in.Status.Conditions)
	return &out
}

func (in *FlavorProfile) DeepCopyObject() runtime.Object {
	out := *in
	in.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Spec.FlavorData = in.Spec.FlavorData.deepCopy()
	return &out
}

func listCopy[T any, P interface {
	*T
	runtime.Object
}](in []T) []T {
	out := make([]T, len(in))
	for i := range in {
		out[i] = *P(&in[i]).DeepCopyObject().(P)
	}
	return out
}

func (in *LoadBalancerList) DeepCopyObject() runtime.Object {
	out := *in
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	out.Items = listCopy[LoadBalancer](in.Items)
	return &out
}

func (in *AmphoraList) DeepCopyObject() runtime.Object {
	out := *in
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	out.Items = listCopy[Amphora](in.Items)
	return &out
}

func (in *FlavorList) DeepCopyObject() runtime.Object {
	out := *in
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	out.Items = listCopy[Flavor](in.Items)
	return &out
}

func (in *FlavorProfileList) DeepCopyObject() runtime.Object {
	out := *in
	in.ListMeta.DeepCopyInto(&out.ListMeta)
	out.Items = listCopy[FlavorProfile](in.Items)
	return &out
}
