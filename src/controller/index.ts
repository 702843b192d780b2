import type { Amphora, Flavor, FlavorProfile, LoadBalancer } from '../api/index.ts';
import { keyOf } from '../kube/paths.ts';
import type { KubeObject, Resource } from '../kube/types.ts';
import type { AmphoraDriver } from '../provider/amphora/driver.ts';
import { createDriver } from '../provider/amphora/drivers.ts';
import { amphoraReconciler } from './amphora/reconcile.ts';
import type { EndpointSlice, Secret, Service } from './amphora/sources.ts';
import { type Caches, INDEXES, NO_FLAVOR } from './caches.ts';
import { flavorReconciler } from './flavor/reconcile.ts';
import { loadBalancerReconciler } from './loadbalancer/reconcile.ts';
import * as resources from './resources.ts';
import { Controller } from './runtime/controller.ts';
import { Reflector } from './runtime/reflector.ts';
import type { Setup, SetupDeps } from './runtime/setup.ts';
import type { IndexFunction, ReadonlyStore, StoreEvent } from './runtime/store.ts';
import { UnionStore } from './runtime/union-store.ts';

/** A cache and who is told of its events: one reflector, or one for each namespace that is watched. */
interface Watched<T extends KubeObject> {
  store: ReadonlyStore<T>;
  reflectors: Reflector<T>[];
  onEvent(handler: (event: StoreEvent<T>) => void): void;
}

function watched<T extends KubeObject>(
  { client, config, clock, random, log, metrics }: SetupDeps,
  resource: Resource,
  indexes?: Record<string, IndexFunction<T>>,
): Watched<T> {
  const namespaces = resource.namespaced && config.watchNamespaces.length > 0 ? config.watchNamespaces : [undefined];
  const reflectors = namespaces.map(
    (namespace) =>
      new Reflector<T>({
        client,
        resource,
        selection: { namespace },
        indexes,
        clock,
        random,
        log,
        metrics: metrics.reflector(resource.plural),
      }),
  );
  const store = reflectors.length === 1 ? reflectors[0]!.store : new UnionStore(reflectors.map((r) => r.store));
  return { store, reflectors, onEvent: (handler) => reflectors.forEach((r) => void r.onEvent(handler)) };
}

/** The operator's controllers with the driver that the configuration names. */
export const setup: Setup = (deps) => setupWith(createDriver(deps.config))(deps);

/** The operator's controllers, what they watch, and which event makes which object be visited. */
export const setupWith =
  (driver: AmphoraDriver): Setup =>
  (deps) => {
    const { config, client, recorder: events, clock, random, log, metrics, heldForMs } = deps;
    const loadBalancers = watched<LoadBalancer>(deps, resources.loadBalancers, INDEXES.loadBalancers);
    const amphorae = watched<Amphora>(deps, resources.amphorae, INDEXES.amphorae);
    const flavors = watched<Flavor>(deps, resources.flavors, INDEXES.flavors);
    const flavorProfiles = watched<FlavorProfile>(deps, resources.flavorProfiles);
    const secrets = watched<Secret>(deps, resources.secrets);
    const services = watched<Service>(deps, resources.services);
    const endpointSlices = watched<EndpointSlice>(deps, resources.endpointSlices, INDEXES.endpointSlices);
    const caches: Caches = {
      loadBalancers: loadBalancers.store,
      amphorae: amphorae.store,
      flavors: flavors.store,
      flavorProfiles: flavorProfiles.store,
      secrets: secrets.store,
      services: services.store,
      endpointSlices: endpointSlices.store,
    };

    const controller = (name: string, reconcile: ConstructorParameters<typeof Controller>[0]['reconcile']) =>
      new Controller({ name, reconcile, concurrency: config.concurrency, clock, random, log, metrics: metrics.controller(name) });
    const resyncMs = config.resyncSeconds * 1000;
    const loadBalancer = controller(
      'loadbalancer',
      loadBalancerReconciler({ client, caches, driver, events, clock, heldForMs, resyncMs, defaultFlavor: config.defaultFlavor }),
    );
    const amphora = controller(
      'amphora',
      amphoraReconciler({
        client,
        caches,
        driver,
        clock,
        events,
        heldForMs,
        observeMs: config.observeSeconds * 1000,
        progressMs: config.progressMs,
      }),
    );
    const flavor = controller('flavor', flavorReconciler({ client, caches, clock }));

    const visit = (lb: LoadBalancer) => {
      loadBalancer.enqueue(keyOf(lb));
      for (const a of caches.amphorae.byIndex('loadBalancer', lb.metadata.uid!)) amphora.enqueue(keyOf(a));
    };
    const visitAll = (index: string, value: string) => caches.loadBalancers.byIndex(index, value).forEach(visit);
    const visitFlavor = (id: string) => {
      const named = caches.loadBalancers.byIndex('flavor', id);
      const defaulted = id === config.defaultFlavor ? caches.loadBalancers.byIndex('flavor', NO_FLAVOR) : [];
      for (const lb of [...named, ...defaulted]) loadBalancer.enqueue(keyOf(lb));
    };

    loadBalancers.onEvent(({ object, oldObject }) => {
      // The status is this operator's own word, but for the ports of the VIP, for which an amphora may wait.
      const same =
        oldObject?.metadata.generation === object.metadata.generation &&
        String(oldObject?.status?.vipPorts) === String(object.status?.vipPorts);
      if (oldObject && same && !object.metadata.deletionTimestamp) loadBalancer.enqueue(keyOf(object));
      else visit(object);
    });
    amphorae.onEvent(({ type, object, oldObject }) => {
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

    const reflectors = [loadBalancers, amphorae, flavors, flavorProfiles, secrets, services, endpointSlices].flatMap(
      (w) => w.reflectors as Reflector<KubeObject>[],
    );
    return { reflectors, controllers: [loadBalancer, amphora, flavor] };
  };
