/** What the CRDs say beside their schemas: names, scope, columns of `kubectl get`, rules about the whole object. */
import type * as z from 'zod';
import { AmphoraSpec, AmphoraStatus } from '../../src/api/amphora.ts';
import { FlavorSpec, FlavorStatus } from '../../src/api/flavor.ts';
import { FlavorProfileSpec } from '../../src/api/flavorprofile.ts';
import { LoadBalancerSpec, LoadBalancerStatus } from '../../src/api/loadbalancer.ts';
import type { CelRule } from '../../src/api/meta.ts';

/** A column of `kubectl get`; `wide` ones need `-o wide`. */
export interface Column {
  name: string;
  jsonPath: string;
  type: 'string' | 'integer' | 'boolean' | 'date';
  wide?: true;
  description?: string;
}

export interface KindDefinition {
  kind: string;
  plural: string;
  shortNames?: string[];
  categories: string[];
  scope: 'Namespaced' | 'Cluster';
  /** What `kubectl explain` says of it. */
  description: string;
  spec: z.ZodType;
  status?: z.ZodType;
  /** What the status is until the operator has written one. */
  statusDefault?: object;
  rules?: CelRule[];
  columns: Column[];
  /** Paths that `--field-selector` takes (KEP-4358). */
  selectable?: string[];
}

const age: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };
const column = (name: string, jsonPath: string, description?: string, type: Column['type'] = 'string'): Column => ({
  name,
  type,
  jsonPath,
  ...(description && { description }),
});
const wide = (shown: Column): Column => ({ ...shown, wide: true });
const condition = (type: string, field: 'status' | 'reason') => `.status.conditions[?(@.type=="${type}")].${field}`;
/** kstatus takes an object without observedGeneration for one that is done. */
const notSeen = { observedGeneration: -1 };

export const loadBalancer: KindDefinition = {
  kind: 'LoadBalancer',
  plural: 'loadbalancers',
  shortNames: ['lb'],
  categories: ['all', 'reflavor'],
  scope: 'Namespaced',
  description:
    'A load balancer: a virtual IP address (VIP), listeners on it, and pools of members. Its flavor is its size; a change of spec.flavorId resizes it live.',
  spec: LoadBalancerSpec,
  status: LoadBalancerStatus,
  statusDefault: notSeen,
  rules: [
    {
      rule: "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && size(self.metadata.name) <= 40",
      message:
        'metadata.name must start with a letter and have at most 40 characters a-z, 0-9 and "-", since names of amphorae and Services derive from it',
    },
    {
      rule: '!has(self.spec.vip.address) || has(oldSelf.spec.vip.address) || !has(oldSelf.status) || !has(oldSelf.status.vipAddress) || self.spec.vip.address == oldSelf.status.vipAddress',
      message: 'vip.address can no longer be chosen: clients know the load balancer by the address in status.vipAddress',
    },
  ],
  columns: [
    column('Flavor', '.status.flavorId', 'The flavor in force.'),
    column('Wanted', '.spec.flavorId', 'The flavor asked for.'),
    column('Provisioning', '.status.provisioningStatus'),
    column('Operating', '.status.operatingStatus'),
    column('VIP', '.status.vipAddress'),
    column('Resize', '.status.resize', 'The goal reached of the resize at hand.'),
    wide(column('Topology', '.status.topology')),
    wide(column('Ready', condition('Ready', 'status'))),
    wide(column('Reason', condition('Ready', 'reason'))),
    wide(column('Description', '.spec.description')),
    age,
  ],
  selectable: ['.spec.flavorId', '.status.flavorId'],
};

export const amphora: KindDefinition = {
  kind: 'Amphora',
  plural: 'amphorae',
  shortNames: ['amp'],
  categories: ['reflavor'],
  scope: 'Namespaced',
  description: 'One HAProxy instance of a load balancer. Written by the operator alone: change the LoadBalancer.',
  spec: AmphoraSpec,
  status: AmphoraStatus,
  columns: [
    column('LoadBalancer', '.spec.loadBalancer.name'),
    column('Flavor', '.spec.flavorId'),
    column('Role', '.spec.role'),
    column('Steering', '.spec.steering', 'What the VIP is to do with it.'),
    column('Attached', '.status.attached', 'Whether it is seen behind the VIP.', 'boolean'),
    column('Ready', condition('Ready', 'status')),
    column('Address', '.status.address'),
    column('Connections', '.status.connections.current', 'Open connections.', 'integer'),
    wide(column('Operation', '.spec.operation', 'The operation that made it.', 'integer')),
    wide(column('HAProxy', '.status.haproxyVersion')),
    wide(column('Reason', condition('Ready', 'reason'))),
    age,
  ],
  selectable: ['.spec.loadBalancer.name', '.spec.flavorId'],
};

export const flavor: KindDefinition = {
  kind: 'Flavor',
  plural: 'flavors',
  categories: ['reflavor'],
  scope: 'Cluster',
  description: 'A size of load balancer; metadata.name is the flavor id that spec.flavorId of a LoadBalancer asks for.',
  spec: FlavorSpec,
  status: FlavorStatus,
  statusDefault: notSeen,
  columns: [
    column('Enabled', '.spec.enabled', 'Whether load balancers may enter it.', 'boolean'),
    column('Profile', '.spec.flavorProfile'),
    column('Topology', '.status.loadbalancerTopology'),
    column('Provider', '.status.provider'),
    wide(column('Description', '.spec.description')),
    age,
  ],
};

export const flavorProfile: KindDefinition = {
  kind: 'FlavorProfile',
  plural: 'flavorprofiles',
  categories: ['reflavor'],
  scope: 'Cluster',
  description: 'Provider and data of flavors: topology, image, compute, limits. Immutable, since load balancers run with it.',
  spec: FlavorProfileSpec,
  columns: [
    column('Provider', '.spec.provider'),
    column('Topology', '.spec.flavorData.loadbalancerTopology'),
    column('MaxConnections', '.spec.flavorData.maxConnections', undefined, 'integer'),
    column('Threads', '.spec.flavorData.threads', undefined, 'integer'),
    column('CPU', '.spec.flavorData.compute.cpu'),
    column('Memory', '.spec.flavorData.compute.memory'),
    column('Image', '.spec.flavorData.ampImageTag'),
    age,
  ],
};

export const kinds: readonly KindDefinition[] = [loadBalancer, amphora, flavor, flavorProfile];
