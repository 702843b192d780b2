import type { Amphora, Flavor, FlavorProfile, LoadBalancer } from '../api/index.ts';
import { keyOf } from '../kube/paths.ts';
import type { Watch } from '../kube/watched.ts';
import { notificationsFor } from '../notify/controller.ts';
import type { AmphoraDriver } from '../provider/amphora/driver.ts';
import { createDriver } from '../provider/amphora/drivers.ts';
import * as objects from '../provider/amphora/kubernetes/objects.ts';
import { amphoraReconciler } from './amphora/reconcile.ts';
import type { EndpointSlice, Secret, Service } from './amphora/sources.ts';
import { amphoraeOf, type Caches, INDEXES, NO_FLAVOR } from './caches.ts';
import { fenced } from './fence.ts';
import { flavorReconciler } from './flavor/reconcile.ts';
import { Latest } from './latest.ts';
import { flavorDataOf } from './loadbalancer/flavor-data.ts';
import { loadBalancerReconciler } from './loadbalancer/reconcile.ts';
import { Resolutions } from './resolutions.ts';
import * as resources from './resources.ts';
import { Controller } from './runtime/controller.ts';
import type { Setup } from './runtime/setup.ts';
import { Watches } from './watches.ts';

/** The operator's controllers with the driver that the configuration names. */
export const setup: Setup = (deps) =>
  setupWith((watch) => createDriver(deps.config, { client: deps.client, watch, namespace: deps.namespace }))(deps);

/** The operator's controllers, what they watch, and which event makes which object be visited. */
export const setupWith =
  (driverFor: (watch: Watch) => AmphoraDriver): Setup =>
  (deps) => {
    const { config, client, recorder: events, clock, random, log, metrics, heldForMs } = deps;
    const watches = new Watches({ client, namespaces: config.watchNamespaces, clock, random, log, metrics });
    const { watch } = watches;
    const loadBalancers = watch<LoadBalancer>(resources.loadBalancers, { indexes: INDEXES.loadBalancers });
    const amphorae = watch<Amphora>(resources.amphorae, { indexes: INDEXES.amphorae });
    const flavors = watch<Flavor>(resources.flavors, { indexes: INDEXES.flavors });
    const flavorProfiles = watch<FlavorProfile>(resources.flavorProfiles);
    const secrets = watch<Secret>(objects.secrets);
    const services = watch<Service>(objects.services);
    const endpointSlices = watch<EndpointSlice>(objects.endpointSlices, { indexes: INDEXES.endpointSlices });
    const caches: Caches = {
      loadBalancers: new Latest(loadBalancers),
      amphorae: new Latest(amphorae),
      flavors,
      flavorProfiles,
      secrets,
      services,
      endpointSlices,
    };
    const driver = fenced(driverFor(watch), heldForMs);
    const resolutions = new Resolutions(caches);
    let amphoraCount = 0;

    const controller = (name: string, reconcile: ConstructorParameters<typeof Controller>[0]['reconcile']) =>
      new Controller({ name, reconcile, concurrency: config.concurrency, clock, random, log, metrics: metrics.controller(name) });
    const resyncMs = config.resyncSeconds * 1000;
    const notifications = notificationsFor(
      deps,
      loadBalancers,
      (lb) => flavorDataOf(caches, lb),
      (key) => loadBalancer.enqueue(key),
    );
    const loadBalancer = controller(
      'loadbalancer',
      loadBalancerReconciler({
        client,
        caches,
        resolutions,
        driver,
        events,
        clock,
        heldForMs,
        resyncMs,
        defaultFlavor: config.defaultFlavor,
        notifier: notifications?.notifier,
      }),
    );
    const amphora = controller(
      'amphora',
      amphoraReconciler({
        client,
        caches,
        resolutions,
        driver,
        clock,
        events,
        observeMs: () => 1000 * Math.max(config.observeSeconds, amphoraCount / config.observePerSecond),
        progressMs: config.progressMs,
      }),
    );
    const flavor = controller('flavor', flavorReconciler({ client, caches, clock }));

    const visit = (lb: LoadBalancer) => {
      loadBalancer.enqueue(keyOf(lb));
      for (const a of amphoraeOf(caches, lb.metadata)) amphora.enqueue(keyOf(a));
    };
    const visitAll = (index: string, value: string) => caches.loadBalancers.byIndex(index, value).forEach(visit);
    const visitFlavor = (id: string) => {
      const named = caches.loadBalancers.byIndex('flavor', id);
      const defaulted = id === config.defaultFlavor ? caches.loadBalancers.byIndex('flavor', NO_FLAVOR) : [];
      for (const lb of [...named, ...defaulted]) loadBalancer.enqueue(keyOf(lb));
    };

    loadBalancers.onEvent(({ type, object, oldObject }) => {
      if (type === 'deleted') resolutions.forget(object.metadata.uid);
      // The status is this operator's own word, but for the ports of the VIP, for which an amphora may wait.
      const same =
        oldObject?.metadata.generation === object.metadata.generation &&
        String(oldObject?.status?.vipPorts) === String(object.status?.vipPorts);
      if (oldObject && same && !object.metadata.deletionTimestamp) loadBalancer.enqueue(keyOf(object));
      else visit(object);
    });
    amphorae.onEvent(({ type, object, oldObject }) => {
      if (type !== 'modified') amphoraCount += type === 'added' ? 1 : -1;
      loadBalancer.enqueue(`${object.metadata.namespace}/${object.spec.loadBalancer.name}`);
      const told = oldObject?.metadata.generation !== object.metadata.generation || object.metadata.deletionTimestamp !== undefined;
      if (type !== 'deleted' && told) amphora.enqueue(keyOf(object));
    });
    flavors.onEvent(({ object }) => {
      flavor.enqueue(object.metadata.name);
      visitFlavor(object.metadata.name);
    });
    flavorProfiles.onEvent(({ object }) => {
      for (const f of caches.flavors.byIndex('profile', object.metadata.name)) {
        flavor.enqueue(f.metadata.name);
        visitFlavor(f.metadata.name);
      }
    });
    secrets.onEvent(({ object }) => visitAll('secret', keyOf(object)));
    services.onEvent(({ object }) => visitAll('service', keyOf(object)));
    endpointSlices.onEvent(({ object, oldObject }) => {
      for (const slice of oldObject ? [oldObject, object] : [object]) {
        for (const service of INDEXES.endpointSlices.service(slice)) visitAll('service', service);
      }
    });

    driver.onChange?.(({ kind, ...object }) => (kind === 'Amphora' ? amphora : loadBalancer).enqueue(keyOf(object)));

    return {
      reflectors: watches.reflectors,
      controllers: [loadBalancer, amphora, flavor, ...(notifications ? [notifications.controller] : [])],
      close: async () => notifications?.close(),
    };
  };
