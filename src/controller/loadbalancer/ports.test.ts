import { expect, test } from '@jest/globals';
import { buildAmphora } from '../../../test/contract/builders.ts';
import { type Amphora, type AmphoraSpec, LoadBalancerSpec } from '../../api/index.ts';
import { portsToServe } from './ports.ts';
import type { World } from './world.ts';

const at = '2026-01-01T00:00:00Z';
const ready = [{ type: 'Ready', status: 'True' as const, reason: 'Running', message: '', lastTransitionTime: at }];

function behindVip(name: string, ports: number[], steering: AmphoraSpec['steering']): Amphora {
  const amphora = buildAmphora({ name });
  const listeners = ports.map((protocolPort) => ({ protocolPort, open: true }));
  return {
    ...amphora,
    spec: { ...amphora.spec, steering },
    status: { attached: true, configurationHash: 'present', listeners, conditions: ready },
  };
}

function ports(...amphorae: Amphora[]): number[] {
  const listeners = [80, 8080].map((protocolPort) => ({ name: `p${protocolPort}`, protocol: 'HTTP', protocolPort }));
  const views = amphorae.map((object) => ({ object, configurationHash: 'present', membersRevision: '' }));
  const loadBalancer = { spec: LoadBalancerSpec.parse({ listeners }) };
  return portsToServe({ loadBalancer, amphorae: views, vip: { address: '', ports: [80], attached: [] } } as unknown as World);
}

test('a port enters once all that serve listen on it', () => {
  expect(ports(behindVip('new', [80, 8080], 'Attached'))).toEqual([80, 8080]);
  expect(ports(behindVip('new', [80, 8080], 'Attached'), behindVip('other', [80], 'Attached'))).toEqual([80]);
});

test('it waits for one that is to leave and is behind the VIP still', () => {
  expect(ports(behindVip('new', [80, 8080], 'Attached'), behindVip('old', [80], 'Detached'))).toEqual([80]);
});
