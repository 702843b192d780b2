import { isIP } from 'node:net';
import { VipService } from '../../../../api/index.ts';
import type { VipRef } from '../../driver.ts';
import { canonicalAddress } from '../../haproxy/address.ts';
import { FIELD_MANAGER, LABELS, vipServiceName } from '../names.ts';
import type { Service } from '../objects.ts';
import { agrees } from './agrees.ts';
import { metadataOf } from './metadata.ts';

type ServicePort = NonNullable<NonNullable<Service['spec']>['ports']>[number];

/**
 * A Service has one port at least. This one stands in while no other is wanted: no pod has a port of that name, so that nothing is reached, and
 * the address is kept.
 */
const PLACEHOLDER: ServicePort = { name: 'none', port: 61024, protocol: 'TCP', targetPort: 'none' };

const servicePort = (port: number): ServicePort => ({ name: portName(port), port, protocol: 'TCP', targetPort: port });

export const portName = (port: number): string => `tcp-${port}`;

/**
 * The Service of a VIP as it is to be applied. `live` is the one that there is: what Kubernetes never lets change, or what was given to it, stays as it
 * is there.
 */
export function serviceFor(ref: VipRef, ports: readonly number[], live?: Service): Service {
  const wanted = ref.service ?? VipService.parse({});
  const outside = wanted.type === 'LoadBalancer';
  const metadata = metadataOf(ref, vipServiceName(ref.name));
  const spec = {
    type: wanted.type,
    selector: { [LABELS.vip]: ref.uid },
    ports: ports.length > 0 ? [...ports].sort((a, b) => a - b).map(servicePort) : [PLACEHOLDER],
    sessionAffinity: 'None',
    publishNotReadyAddresses: false,
    clusterIP: live?.spec?.clusterIP ?? (outside ? undefined : ref.address),
    ipFamilyPolicy: wanted.ipFamilyPolicy,
    ipFamilies: wanted.ipFamilies,
    ...(outside && {
      externalTrafficPolicy: wanted.externalTrafficPolicy ?? 'Cluster',
      loadBalancerClass: live?.spec?.type === 'LoadBalancer' ? live.spec.loadBalancerClass : wanted.loadBalancerClass,
      loadBalancerIP: outsideAddressToAskFor(ref, live),
    }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    // With the uid, nothing is applied to another Service that took its name meanwhile.
    metadata: { ...metadata, uid: live?.metadata.uid, annotations: wanted.annotations },
    spec,
  };
}

/** Once it has the address, or where `ref` only remembers that of the inside, there is nothing to ask for. */
function outsideAddressToAskFor({ address }: VipRef, live: Service | undefined): unknown {
  const had = [...(live?.spec?.clusterIPs ?? []), ...ingressOf(live)];
  return address !== undefined && isIP(address) !== 0 && !had.some((other) => sameAddress(other, address))
    ? address
    : live?.spec?.loadBalancerIP;
}

/** Whether the Service that there is needs no write to be this one. */
export function isAsWanted(live: Service, wanted: Service): boolean {
  const { ports, ipFamilies = [], ...spec } = wanted.spec!;
  return (
    agrees(live.metadata, { labels: wanted.metadata.labels, annotations: wanted.metadata.annotations }) &&
    // What is no longer wanted has to be applied away; of what others wrote nothing is known here.
    appliedAnnotations(live).every((key) => key in (wanted.metadata.annotations ?? {})) &&
    agrees({ publishNotReadyAddresses: false, ...live.spec }, spec) &&
    // A second family is added by the API server, where the policy prefers both.
    agrees(live.spec?.ipFamilies?.slice(0, ipFamilies.length), ipFamilies.length > 0 ? ipFamilies : undefined) &&
    agrees(ownPorts(live), ports)
  );
}

/** The annotations that the driver has applied, by server-side apply's books. */
function appliedAnnotations({ metadata }: Service): string[] {
  type Entry = { manager?: string; operation?: string; fieldsV1?: { 'f:metadata'?: { 'f:annotations'?: Record<string, unknown> } } };
  const applied = (metadata.managedFields as Entry[] | undefined)?.find(
    ({ manager, operation }) => manager === FIELD_MANAGER && operation === 'Apply',
  );
  const fields = Object.keys(applied?.fieldsV1?.['f:metadata']?.['f:annotations'] ?? {});
  return fields.filter((field) => field.startsWith('f:')).map((field) => field.slice(2));
}

/** The ports that the driver makes, in the order of their numbers: somebody may have added others, which nothing can be said of. */
const ownPorts = ({ spec }: Service): ServicePort[] =>
  (spec?.ports ?? []).filter(({ name, port }) => name === PLACEHOLDER.name || name === portName(port)).sort((a, b) => a.port - b.port);

/** The ports that the Service has for clients. */
export const portsOf = (service: Service): number[] =>
  ownPorts(service)
    .filter(({ name }) => name !== PLACEHOLDER.name)
    .map(({ port }) => port);

/** The Service's ports as its slices have them: by these names. */
export const slicePortsOf = (service: Service): { name: string; port: number; protocol: string }[] =>
  portsOf(service).map((port) => ({ name: portName(port), port, protocol: 'TCP' }));

const ingressOf = (service: Service | undefined): string[] =>
  (service?.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []);

/** Where clients find the VIP; empty while a Service of type LoadBalancer has no address outside. */
export const addressOf = (service: Service): string =>
  service.spec?.type === 'LoadBalancer' ? (ingressOf(service)[0] ?? '') : (service.spec?.clusterIP ?? '');

/** Whether both are the same address, however they are spelt. */
export const sameAddress = (a: string, b: string): boolean => (canonicalAddress(a) ?? a) === (canonicalAddress(b) ?? b);

/** Why the VIP isn't reached as `ref` asks. What is there serves in any case. */
export function vipProblem(ref: VipRef, service: Service): { reason: string; message: string } | undefined {
  const { name, deletionTimestamp } = service.metadata;
  const { type, clusterIP, loadBalancerClass } = service.spec ?? {};
  if (deletionTimestamp) {
    return pending(
      `The Service ${name} of the VIP is being deleted; it is made again, with the same address if that can be had, once it is gone.`,
    );
  }
  const has = addressOf(service);
  if (has === '') {
    const asked = ref.address !== undefined && isIP(ref.address) !== 0 ? `the address ${ref.address}` : 'an address outside';
    const who =
      typeof loadBalancerClass === 'string' ? `what serves class ${loadBalancerClass}` : 'the cluster’s load balancer implementation';
    return pending(
      `The Service ${name} of the VIP waits for ${who} to give it ${asked}; inside the cluster ${clusterIP} serves already. If this lasts, \`kubectl describe service ${name}\` may say why.`,
    );
  }
  if (ref.address !== undefined && isIP(ref.address) !== 0 && !addressesOf(service).some((other) => sameAddress(other, ref.address!))) {
    const why =
      type === 'LoadBalancer' ? 'what gives Services their addresses gave it another one' : 'the address of a Service never changes';
    return {
      reason: 'AddressNotAvailable',
      message: `The VIP is ${has} and serves there, not at ${ref.address}: ${why}. For ${ref.address}, make another load balancer.`,
    };
  }
  const wantedClass = ref.service?.loadBalancerClass;
  if (type === 'LoadBalancer' && wantedClass !== undefined && wantedClass !== loadBalancerClass) {
    return {
      reason: 'InvalidSpec',
      message: `The VIP keeps load balancer class ${loadBalancerClass ?? '(the default)'} and serves on: the class of a Service never changes. Set vip.service.loadBalancerClass back, or make another load balancer.`,
    };
  }
  return undefined;
}

const pending = (message: string) => ({ reason: 'VipPending', message });

const addressesOf = (service: Service): string[] => [
  ...(service.spec?.type === 'LoadBalancer' ? ingressOf(service) : []),
  ...(service.spec?.clusterIPs ?? [service.spec?.clusterIP ?? '']),
];
