// The operator of this project, as far as a benchmark needs it, written with controller-runtime. See README.md.
package main

import (
	"context"
	"flag"
	"os"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func main() {
	world := flag.String("world", "", "the file that keeps the simulated amphorae between two processes")
	health := flag.String("health-bind-address", "127.0.0.1:8081", "where /healthz and /readyz are")
	metrics := flag.String("metrics-bind-address", "127.0.0.1:8080", "where /metrics is")
	concurrency := flag.Int("concurrency", 8, "how many objects of a kind are worked on at the same time")
	observe := flag.Duration("observe", 5*time.Second, "how often an amphora that serves is asked how it is")
	progress := flag.Duration("progress", 500*time.Millisecond, "how often an operation under way is looked at")
	flag.Parse()
	log := zap.New()
	ctrl.SetLogger(logr.Discard())
	if err := run(*world, *health, *metrics, *concurrency, *observe, *progress); err != nil {
		log.Error(err, "ended by an error")
		os.Exit(1)
	}
}

func run(world, health, metrics string, concurrency int, observe, progress time.Duration) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, addToScheme} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	driver, err := newDriver(world)
	if err != nil {
		return err
	}
	rest, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	rest.QPS = -1
	rest.UserAgent = "controller-runtime-operator"
	mgr, err := ctrl.NewManager(rest, ctrl.Options{
		Scheme:                 scheme,
		Metrics:                metricsserver.Options{BindAddress: metrics},
		HealthProbeBindAddress: health,
		Cache:                  cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
		Controller:             config.Controller{MaxConcurrentReconciles: concurrency},
	})
	if err != nil {
		return err
	}
	index := func(o client.Object) []string { return []string{o.(*Amphora).Spec.LoadBalancer.UID} }
	if err := mgr.GetFieldIndexer().IndexField(context.Background(), &Amphora{}, byLoadBalancer, index); err != nil {
		return err
	}
	fresh := mgr.GetAPIReader()
	for _, controller := range []interface{ setup(ctrl.Manager) error }{
		&loadBalancerReconciler{Client: mgr.GetClient(), fresh: fresh, driver: driver, events: mgr.GetEventRecorder("reflavor.dev/operator")},
		&amphoraReconciler{Client: mgr.GetClient(), fresh: fresh, driver: driver, observe: observe, progress: progress},
		&flavorReconciler{Client: mgr.GetClient()},
	} {
		if err := controller.setup(mgr); err != nil {
			return err
		}
	}
	if err := mgr.AddReadyzCheck("caches", healthz.Ping); err != nil {
		return err
	}
	if err := mgr.Start(ctrl.SetupSignalHandler()); err != nil {
		return err
	}
	return driver.save()
}

// rateLimiter spaces repeated failures of one object as the operator does, without the bucket that all share by default.
func rateLimiter() workqueue.TypedRateLimiter[reconcile.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](100*time.Millisecond, time.Minute)
}
