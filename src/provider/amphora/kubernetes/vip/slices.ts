import { drainingSliceName, MANAGED_BY, vipServiceName } from '../names.ts';
import type { Endpoint, EndpointSlice, Pod, Service } from '../objects.ts';
import { metadataOf, type Owner } from './metadata.ts';

/** Labels of discovery.k8s.io: the Service that a slice is of, and who writes it. */
export const SERVICE_NAME = 'kubernetes.io/service-name';
const WRITTEN_BY = 'endpointslice.kubernetes.io/managed-by';
const ENDPOINT_CONTROLLER = 'endpointslice-controller.k8s.io';

export type Family = 'IPv4' | 'IPv6';

/** Where an amphora stands in the slices of its VIP. */
export interface Standing {
  /** The endpoint controller lists it for some address family: new connections may reach it, now or once it is ready. */
  listed: boolean;
  /** The endpoint controller lists it for each family of the Service. */
  listedWhole: boolean;
  /** It is listed as ready for each family. */
  ready: boolean;
  /** It is in the operator's own slice. While it is listed as well, kube-proxy takes either entry. */
  draining: boolean;
}

export const familiesOf = (service: Service): Family[] => (service.spec?.ipFamilies as Family[] | undefined) ?? ['IPv4'];

const isControllers = ({ metadata }: EndpointSlice) => metadata.labels?.[WRITTEN_BY] === ENDPOINT_CONTROLLER;

const isOwn = ({ metadata }: EndpointSlice) => metadata.labels?.[WRITTEN_BY] === MANAGED_BY;

/** Whether an entry is this very pod's, not that of an earlier one of its name. */
export const isOfPod = ({ targetRef }: Endpoint, { metadata }: Pick<Pod, 'metadata'>): boolean =>
  targetRef?.kind === 'Pod' && targetRef.name === metadata.name && targetRef.uid === metadata.uid;

/** Whether it may be sent traffic: the kubelet's probe says so. */
export const isReady = ({ status }: Pod): boolean => (status?.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True');

/** Where the pod stands; `slices` are those of the VIP's Service, other writers' among them, which count for nothing. */
export function standingOf(pod: Pod, service: Service, slices: readonly EndpointSlice[]): Standing {
  const entries = slices
    .filter(isControllers)
    .flatMap(({ addressType, endpoints }) =>
      (endpoints ?? []).filter((e) => isOfPod(e, pod)).map((e) => ({ addressType, ready: e.conditions?.ready !== false })),
    );
  const everywhere = (test: (entry: { ready: boolean }) => boolean) =>
    familiesOf(service).every((family) => entries.some((e) => e.addressType === family && test(e)));
  return {
    listed: entries.length > 0,
    listedWhole: everywhere(() => true),
    ready: everywhere((e) => e.ready),
    draining: slices.some((slice) => isOwn(slice) && slice.endpoints?.some((e) => isOfPod(e, pod))),
  };
}

/** Whether new connections reach another pod than this one, at each family's address. */
export const othersAreReady = (pod: Pod, service: Service, slices: readonly EndpointSlice[]): boolean =>
  familiesOf(service).every((family) =>
    slices.some(
      (slice) =>
        isControllers(slice) &&
        slice.addressType === family &&
        slice.endpoints?.some((e) => e.conditions?.ready !== false && !isOfPod(e, pod)),
    ),
  );

/** Whether the slices have come to have this port: the endpoint controller follows a change of the Service a moment later. */
export const slicesHave = (slices: readonly EndpointSlice[], portName: string): boolean =>
  slices.filter((slice) => isControllers(slice) && slice.endpoints?.length).every(({ ports }) => ports?.some((p) => p.name === portName));

/**
 * The entry of one that drains: taken for new connections only while nothing is ready, and known to data planes that cut what isn't listed. None where
 * the pod has no address of the family.
 */
export function drainingEndpoints({ metadata: { namespace, name, uid }, spec, status }: Pod, family: Family): Endpoint[] {
  const addresses = status?.podIPs?.map(({ ip }) => ip) ?? (status?.podIP ? [status.podIP] : []);
  const address = addresses.find((ip) => ip.includes(':') === (family === 'IPv6'));
  if (address === undefined) return [];
  const entry: Endpoint = {
    addresses: [address],
    conditions: { ready: false, serving: true, terminating: true },
    // By this kube-proxy knows the endpoints of its own node, to which `externalTrafficPolicy: Local` keeps.
    ...(spec.nodeName !== undefined && { nodeName: spec.nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
  return [entry];
}

/** A slice has addresses of one family. */
export const sliceName = (loadBalancer: string, family: Family): string =>
  family === 'IPv4' ? drainingSliceName(loadBalancer) : `${drainingSliceName(loadBalancer)}-ipv6`;

/** The operator's own slice of a VIP. */
export function drainingSlice(owner: Owner, family: Family, endpoints: Endpoint[], ports: EndpointSlice['ports']): EndpointSlice {
  const metadata = metadataOf(owner, sliceName(owner.name, family));
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, labels: { ...metadata.labels, [SERVICE_NAME]: vipServiceName(owner.name), [WRITTEN_BY]: MANAGED_BY } },
    addressType: family,
    endpoints,
    ports,
  };
}

/** Names of the pods of which two states of a slice say something else. */
export function changedPods(now: EndpointSlice, before: EndpointSlice | undefined): string[] {
  const said = (slice: EndpointSlice | undefined) =>
    new Map((slice?.endpoints ?? []).map((e) => [e.targetRef?.name ?? '', JSON.stringify([e.targetRef?.uid, e.conditions, e.addresses])]));
  const [after, earlier] = [said(now), said(before)];
  return [...new Set([...after.keys(), ...earlier.keys()])].filter((name) => name !== '' && after.get(name) !== earlier.get(name));
}
