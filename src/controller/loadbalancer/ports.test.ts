import { expect, test } from '@jest/globals';
import { buildAmphora } from '../../../test/contract/builders.ts';
import { type Amphora, type AmphoraSpec, LoadBalancerSpec } from '../../api/index.ts';
import { mayClose, portsToServe } from './ports.ts';
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

function worldOf(vip: World['vip'], ...amphorae: Amphora[]): World {
  const listeners = [80, 8080].map((protocolPort) => ({ name: `p${protocolPort}`, protocol: 'HTTP', protocolPort }));
  const views = amphorae.map((object) => ({ object, configurationHash: 'present', membersRevision: '' }));
  const loadBalancer = { spec: LoadBalancerSpec.parse({ listeners }) };
  return { loadBalancer, amphorae: views, vip } as unknown as World;
}

const vipOn = (...open: number[]) => ({ address: '', ports: open, attached: [] });
const ports = (...amphorae: Amphora[]) => portsToServe(worldOf(vipOn(80), ...amphorae));

test('a port enters once all that serve listen on it', () => {
  expect(ports(behindVip('new', [80, 8080], 'Attached'))).toEqual([80, 8080]);
  expect(ports(behindVip('new', [80, 8080], 'Attached'), behindVip('other', [80], 'Attached'))).toEqual([80]);
});

test('it waits for one that is to leave and is behind the VIP still', () => {
  expect(ports(behindVip('new', [80, 8080], 'Attached'), behindVip('old', [80], 'Detached'))).toEqual([80]);
});

test('it waits for one of which nobody knows yet whether it is out', () => {
  const old = behindVip('old', [80], 'Draining');
  const steered = (status: Amphora['status']) => ({ ...old, metadata: { ...old.metadata, generation: 2 }, status });
  const out = { ...old.status, attached: false };
  const lost = { ...old.status, conditions: [] };
  for (const status of [out, lost])
    expect(ports(behindVip('new', [80, 8080], 'Attached'), steered({ ...status, observedGeneration: 1 }))).toEqual([80]);
  for (const status of [out, lost])
    expect(ports(behindVip('new', [80, 8080], 'Attached'), steered({ ...status, observedGeneration: 2 }))).toEqual([80, 8080]);
});

test('one may be closed by leaving it out though it has not been seen open, but not where there is no VIP yet', () => {
  expect(mayClose(worldOf(vipOn(80, 8080)), [80])).toBe(true);
  expect(mayClose(worldOf(vipOn(80)), [80])).toBe(true);
  expect(mayClose(worldOf(vipOn(80)), [80, 8080])).toBe(false);
  expect(mayClose(worldOf(undefined), [])).toBe(false);
});
