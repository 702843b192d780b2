import { describe, expect, test } from '@jest/globals';
import { buildAmphora } from '../../../../test/contract/builders.ts';
import type { AmphoraRole } from '../../../api/index.ts';
import { LABELS } from './names.ts';
import type { Pod } from './objects.ts';
import { ANYWHERE, affinityOf, placementOf } from './placement.ts';

interface Look {
  on?: string;
  ready?: boolean;
  attached?: boolean;
  deleted?: boolean;
}

const pod = (name: string, role: AmphoraRole, { on = 'node-a', ready = true, attached = true, deleted = false }: Look = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    labels: { [LABELS.amphora]: name, [LABELS.role]: role, ...(attached ? { [LABELS.vip]: 'lb-uid' } : {}) },
    ...(deleted ? { deletionTimestamp: '2026-11-23T10:00:00Z' } : {}),
  },
  spec: { nodeName: on },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

const amphora = (name: string, role: AmphoraRole) => buildAmphora({ name, role });
const oldPair = [pod('web-1-0', 'MASTER', { on: 'node-a' }), pod('web-1-1', 'BACKUP', { on: 'node-b', ready: false })];

describe('the standby that takes the place of a lost half goes apart from the survivor', () => {
  const standby = amphora('web-2-1', 'BACKUP');
  const apart = { nodes: [], apartFrom: ['web-1-0'] };

  test('whether the lost half is gone, is going, or is left somewhere', () => {
    const survivor = pod('web-1-0', 'MASTER');
    expect(placementOf(standby, [survivor], false)).toEqual(apart);
    expect(placementOf(standby, [survivor, pod('web-1-1', 'BACKUP', { deleted: true })], false)).toEqual(apart);
    expect(placementOf(standby, [survivor, pod('web-1-1', 'BACKUP', { ready: false })], false)).toEqual(apart);
  });

  test('also while that is not called the active one yet, and while it has not taken over', () => {
    const lost = pod('web-1-1', 'MASTER', { ready: false });
    expect(placementOf(standby, [lost, pod('web-1-0', 'BACKUP')], true)).toEqual(apart);
    const going = pod('web-1-1', 'MASTER', { deleted: true });
    expect(placementOf(standby, [going, pod('web-1-0', 'BACKUP', { ready: false })], true)).toEqual(apart);
  });

  test('and not from one that isn’t behind the VIP, nor from what had its name before', () => {
    expect(placementOf(standby, [pod('web-0-0', 'MASTER', { attached: false }), pod('web-2-1', 'BACKUP')], false)).toEqual(ANYWHERE);
  });
});

describe('a new pair', () => {
  test('has its standby apart from the old active one, and its active one anywhere', () => {
    expect(placementOf(amphora('web-2-0', 'MASTER'), oldPair, false)).toEqual(ANYWHERE);
    expect(placementOf(amphora('web-2-1', 'BACKUP'), oldPair, false)).toEqual({ nodes: [], apartFrom: ['web-1-0'] });
  });

  test('goes where the old one is, each by its role, where only nodes with an amphora take connections', () => {
    expect(placementOf(amphora('web-2-0', 'MASTER'), oldPair, true)).toEqual({ nodes: ['node-a'], apartFrom: [] });
    expect(placementOf(amphora('web-2-1', 'BACKUP'), oldPair, true)).toEqual({ nodes: ['node-b'], apartFrom: ['web-1-0'] });
  });

  test('is told by its roles, whichever amphora of the old one has been promoted', () => {
    const promoted = [pod('web-3-0', 'BACKUP', { on: 'node-a', ready: false }), pod('web-1-1', 'MASTER', { on: 'node-b' })];
    expect(placementOf(amphora('web-4-0', 'MASTER'), promoted, true)).toEqual({ nodes: ['node-b'], apartFrom: [] });
    expect(placementOf(amphora('web-4-1', 'BACKUP'), promoted, true)).toEqual({ nodes: ['node-a'], apartFrom: ['web-1-1'] });
  });
});

test('a single one goes where the present one is, if that matters, and anywhere else if not', () => {
  const present = [pod('web-1-0', 'STANDALONE', { on: 'node-b' }), pod('web-0-0', 'STANDALONE', { on: 'node-c', attached: false })];
  expect(placementOf(amphora('web-2-0', 'STANDALONE'), present, true)).toEqual({ nodes: ['node-b'], apartFrom: [] });
  expect(placementOf(amphora('web-2-0', 'STANDALONE'), present, false)).toEqual(ANYWHERE);
});

describe('the affinity', () => {
  const termsOf = (...args: Parameters<typeof affinityOf>) =>
    affinityOf(...args).podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution;
  const uid = { [LABELS.loadBalancerUid]: 'lb-uid' };

  test('keeps the two of a pair apart above all, by node or by what the flavor says', () => {
    const [pair, ...more] = termsOf(amphora('web-1-0', 'MASTER'), ANYWHERE);
    expect(pair).toEqual({
      weight: 100,
      podAffinityTerm: { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { ...uid, [LABELS.operation]: '1' } } },
    });
    expect(more).toEqual([]);
    const zoned = buildAmphora({ name: 'web-1-0', flavorData: { compute: { topologyKey: 'topology.kubernetes.io/zone' } } });
    expect(termsOf(zoned, { nodes: [], apartFrom: ['web-0-0'] }).map(({ podAffinityTerm }) => podAffinityTerm.topologyKey)).toEqual([
      'topology.kubernetes.io/zone',
      'topology.kubernetes.io/zone',
    ]);
  });

  test('keeps it less strongly apart from others', () => {
    const [, others] = termsOf(amphora('web-2-1', 'BACKUP'), { nodes: [], apartFrom: ['web-1-0'] });
    expect(others).toMatchObject({
      weight: 10,
      podAffinityTerm: {
        labelSelector: { matchLabels: uid, matchExpressions: [{ key: LABELS.amphora, operator: 'In', values: ['web-1-0'] }] },
      },
    });
  });

  test('prefers nodes by their names', () => {
    const of = (nodes: string[]) => affinityOf(amphora('web-1-0', 'STANDALONE'), { nodes, apartFrom: [] }).nodeAffinity;
    expect(of([])).toBeUndefined();
    expect(of(['node2'])?.preferredDuringSchedulingIgnoredDuringExecution).toEqual([
      { weight: 50, preference: { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node2'] }] } },
    ]);
  });
});
