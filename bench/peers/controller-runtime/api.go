package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The kinds of crds/, as far as healthy load balancers of one amphora need them.

const (
	loadBalancerFinalizer = "reflavor.dev/loadbalancer"
	amphoraFinalizer      = "reflavor.dev/amphora"
	uidLabel              = "reflavor.dev/loadbalancer-uid"
)

var groupVersion = schema.GroupVersion{Group: "reflavor.dev", Version: "v1alpha1"}

func addToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(groupVersion,
		&LoadBalancer{}, &LoadBalancerList{}, &Amphora{}, &AmphoraList{},
		&Flavor{}, &FlavorList{}, &FlavorProfile{}, &FlavorProfileList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
	return nil
}

type Strategy struct {
	Type                    string `json:"type,omitempty"`
	ProgressDeadlineSeconds int64  `json:"progressDeadlineSeconds,omitempty"`
	SettleSeconds           int64  `json:"settleSeconds"`
	VerifySeconds           int64  `json:"verifySeconds"`
	DrainSeconds            int64  `json:"drainSeconds"`
}

type Listener struct {
	Name         string `json:"name"`
	Protocol     string `json:"protocol"`
	ProtocolPort int32  `json:"protocolPort"`
	DefaultPool  string `json:"defaultPool,omitempty"`
	AdminStateUp bool   `json:"adminStateUp"`
}

type Member struct {
	Address      string `json:"address"`
	ProtocolPort int32  `json:"protocolPort"`
	Weight       int32  `json:"weight"`
}

type Pool struct {
	Name        string   `json:"name"`
	Protocol    string   `json:"protocol"`
	LbAlgorithm string   `json:"lbAlgorithm,omitempty"`
	Members     []Member `json:"members,omitempty"`
}

type LoadBalancerSpec struct {
	FlavorID  string     `json:"flavorId,omitempty"`
	Provider  string     `json:"provider,omitempty"`
	Suspend   bool       `json:"suspend,omitempty"`
	Strategy  Strategy   `json:"strategy,omitempty"`
	Listeners []Listener `json:"listeners,omitempty"`
	Pools     []Pool     `json:"pools,omitempty"`
}

type GoalMet struct {
	Name  string      `json:"name"`
	MetAt metav1.Time `json:"metAt"`
}

type Operation struct {
	Number     int64        `json:"number"`
	Kind       string       `json:"kind"`
	From       string       `json:"from,omitempty"`
	To         string       `json:"to"`
	Step       string       `json:"step,omitempty"`
	Progress   string       `json:"progress,omitempty"`
	Goals      []GoalMet    `json:"goals,omitempty"`
	Message    string       `json:"message,omitempty"`
	Replaces   []string     `json:"replaces,omitempty"`
	Attempt    int64        `json:"attempt,omitempty"`
	StartedAt  metav1.Time  `json:"startedAt"`
	Deadline   *metav1.Time `json:"deadline,omitempty"`
	Result     string       `json:"result,omitempty"`
	Reason     string       `json:"reason,omitempty"`
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
}

type AmphoraLine struct {
	Name        string `json:"name"`
	FlavorID    string `json:"flavorId"`
	Role        string `json:"role"`
	Traffic     string `json:"traffic"`
	Ready       bool   `json:"ready"`
	Address     string `json:"address,omitempty"`
	Connections int64  `json:"connections"`
}

type LoadBalancerStatus struct {
	ObservedGeneration  int64              `json:"observedGeneration"`
	FlavorID            string             `json:"flavorId,omitempty"`
	Topology            string             `json:"topology,omitempty"`
	ProvisioningStatus  string             `json:"provisioningStatus,omitempty"`
	OperatingStatus     string             `json:"operatingStatus,omitempty"`
	VipAddress          string             `json:"vipAddress,omitempty"`
	VipPorts            []int32            `json:"vipPorts,omitempty"`
	Resize              string             `json:"resize,omitempty"`
	Amphorae            []AmphoraLine      `json:"amphorae,omitempty"`
	Operation           *Operation         `json:"operation,omitempty"`
	LastOperationNumber int64              `json:"lastOperationNumber,omitempty"`
	History             []Operation        `json:"history,omitempty"`
	Conditions          []metav1.Condition `json:"conditions,omitempty"`
}

type LoadBalancer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              LoadBalancerSpec   `json:"spec"`
	Status            LoadBalancerStatus `json:"status,omitempty"`
}

type LoadBalancerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []LoadBalancer `json:"items"`
}

type Compute struct {
	CPU    string `json:"cpu,omitempty"`
	Memory string `json:"memory,omitempty"`
}

type FlavorData struct {
	LoadbalancerTopology string   `json:"loadbalancerTopology"`
	Compute              *Compute `json:"compute,omitempty"`
	Threads              int64    `json:"threads"`
	MaxConnections       int64    `json:"maxConnections"`
}

type LoadBalancerReference struct {
	Name string `json:"name"`
	UID  string `json:"uid"`
}

type AmphoraSpec struct {
	LoadBalancer LoadBalancerReference `json:"loadBalancer"`
	Operation    int64                 `json:"operation"`
	Slot         int64                 `json:"slot"`
	Role         string                `json:"role"`
	Peer         int64                 `json:"peer"`
	Provider     string                `json:"provider"`
	FlavorID     string                `json:"flavorId"`
	FlavorData   FlavorData            `json:"flavorData"`
	Steering     string                `json:"steering"`
}

type OpenPort struct {
	ProtocolPort int32 `json:"protocolPort"`
	Open         bool  `json:"open"`
}

type Connections struct {
	Current    int64            `json:"current"`
	Total      int64            `json:"total"`
	Queued     bool             `json:"queued"`
	QuietSince metav1.MicroTime `json:"quietSince"`
	ObservedAt metav1.MicroTime `json:"observedAt"`
}

type ListenerStatistics struct {
	ProtocolPort      int32 `json:"protocolPort"`
	ActiveConnections int64 `json:"activeConnections"`
	TotalConnections  int64 `json:"totalConnections"`
	BytesIn           int64 `json:"bytesIn"`
	BytesOut          int64 `json:"bytesOut"`
	RequestErrors     int64 `json:"requestErrors"`
}

type AmphoraStatus struct {
	ObservedGeneration int64                `json:"observedGeneration,omitempty"`
	Address            string               `json:"address,omitempty"`
	HaproxyVersion     string               `json:"haproxyVersion,omitempty"`
	StartedAt          *metav1.MicroTime    `json:"startedAt,omitempty"`
	Attached           bool                 `json:"attached"`
	Standby            bool                 `json:"standby"`
	SteeredAt          *metav1.MicroTime    `json:"steeredAt,omitempty"`
	ConfigurationHash  string               `json:"configurationHash,omitempty"`
	MembersRevision    string               `json:"membersRevision,omitempty"`
	Listeners          []OpenPort           `json:"listeners,omitempty"`
	StickTablesSynced  bool                 `json:"stickTablesSynced"`
	Connections        *Connections         `json:"connections,omitempty"`
	Statistics         []ListenerStatistics `json:"statistics,omitempty"`
	DrainStartedAt     *metav1.MicroTime    `json:"drainStartedAt,omitempty"`
	Conditions         []metav1.Condition   `json:"conditions,omitempty"`
}

type Amphora struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              AmphoraSpec   `json:"spec"`
	Status            AmphoraStatus `json:"status,omitempty"`
}

type AmphoraList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Amphora `json:"items"`
}

type FlavorSpec struct {
	Enabled       bool   `json:"enabled"`
	Description   string `json:"description,omitempty"`
	FlavorProfile string `json:"flavorProfile"`
}

type FlavorStatus struct {
	ObservedGeneration   int64              `json:"observedGeneration,omitempty"`
	Provider             string             `json:"provider,omitempty"`
	LoadbalancerTopology string             `json:"loadbalancerTopology,omitempty"`
	Conditions           []metav1.Condition `json:"conditions,omitempty"`
}

type Flavor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              FlavorSpec   `json:"spec"`
	Status            FlavorStatus `json:"status,omitempty"`
}

type FlavorList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Flavor `json:"items"`
}

type FlavorProfileSpec struct {
	Provider   string     `json:"provider"`
	FlavorData FlavorData `json:"flavorData"`
}

type FlavorProfile struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              FlavorProfileSpec `json:"spec"`
}

type FlavorProfileList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []FlavorProfile `json:"items"`
}
