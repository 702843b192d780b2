import { expect, test } from '@jest/globals';
import { wrongObjects, wrongProcesses } from '../../../chaos/real/at-rest.ts';
import type { Amphora, LoadBalancer } from '../../../src/api/index.ts';

type Changes = Record<string, unknown>;

const amphora = (name: string, spec: Changes = {}, metadata: Changes = {}) =>
  ({
    metadata: { name, ...metadata },
    spec: { flavorId: 'large', role: 'STANDALONE', steering: 'Attached', ...spec },
  }) as unknown as Amphora;
const line = (name: string, changes: Changes = {}) => ({
  name,
  flavorId: 'large',
  role: 'STANDALONE',
  traffic: 'Carries',
  ready: true,
  ...changes,
});
const condition = (type: string, changes: Changes = {}) => ({
  type,
  status: 'True',
  reason: 'R',
  message: 'm',
  observedGeneration: 3,
  ...changes,
});
const balancer = (status: Changes = {}) =>
  ({
    metadata: { name: 'web', generation: 3 },
    status: { flavorId: 'large', amphorae: [line('a')], conditions: [condition('Ready'), condition('Available')], ...status },
  }) as unknown as LoadBalancer;

const single = (status: Changes = {}, ...amphorae: Amphora[]) =>
  wrongObjects(balancer(status), amphorae.length > 0 ? amphorae : [amphora('a')], 'large', false);

test('one amphora, or a pair, that all is said of truly is at rest', () => {
  expect(single()).toBeUndefined();
  const lines = [line('a', { role: 'MASTER' }), line('b', { role: 'BACKUP', traffic: 'Standby' })];
  const pair = [amphora('a', { role: 'MASTER' }), amphora('b', { role: 'BACKUP' })];
  expect(wrongObjects(balancer({ amphorae: lines }), pair, 'large', true)).toBeUndefined();
});

test.each<[string, string | undefined, RegExp]>([
  ['not Ready', single({ conditions: [condition('Ready', { status: 'False' }), condition('Available')] }), /Ready False/],
  ['Ready of an older generation', single({ conditions: [condition('Ready', { observedGeneration: 2 })] }), /Ready True/],
  ['another flavor in force', single({ flavorId: 'small' }), /^flavor small/],
  ['an amphora that the status does not have', single({ amphorae: [] }), /the status has amphorae , and there are a/],
  ['one too many', single({ amphorae: [line('a'), line('b')] }, amphora('a'), amphora('b')), /not one for each of STANDALONE/],
  ['an amphora of another flavor', single({}, amphora('a', { flavorId: 'small' })), /a is Attached, of flavor small/],
  ['one that is out of the VIP', single({}, amphora('a', { steering: 'Draining' })), /a is Draining/],
  ['one that is being deleted', single({}, amphora('a', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' })), /a is Attached/],
  ['a line that says it carries nothing', single({ amphorae: [line('a', { traffic: 'NotYet' })] }), /says of a that it is NotYet/],
  ['a line that says it is not ready', single({ amphorae: [line('a', { ready: false })] }), /not ready/],
  ['a line of another flavor', single({ amphorae: [line('a', { flavorId: 'small' })] }), /of flavor small/],
  ['not Available', single({ conditions: [condition('Ready'), condition('Available', { status: 'False' })] }), /Available is False/],
])('it is not at rest with: %s', (_, wrong, words) => {
  expect(wrong).toMatch(words);
});

test('a pair of two masters is none', () => {
  const lines = [line('a', { role: 'MASTER' }), line('b', { role: 'MASTER' })];
  const both = [amphora('a', { role: 'MASTER' }), amphora('b', { role: 'MASTER' })];
  expect(wrongObjects(balancer({ amphorae: lines }), both, 'large', true)).toMatch(/not one for each of BACKUP,MASTER/);
});

test('a folder, a process too many and one too few are each told of', () => {
  const found = { folders: ['a'], needed: [[1], [2, 3]], all: [1, 2, 3] };
  expect(wrongProcesses(['a'], found)).toBeUndefined();
  expect(wrongProcesses(['a'], { ...found, folders: ['a', 'b'] })).toBe('the driver has amphorae a,b, and there are a');
  expect(wrongProcesses(['a'], { ...found, folders: [] })).toBe('the driver has amphorae , and there are a');
  expect(wrongProcesses(['a'], { ...found, needed: [[], [2, 3]] })).toBe('an amphora or the VIP has no HAProxy');
  expect(wrongProcesses(['a'], { ...found, needed: [[1], []] })).toBe('an amphora or the VIP has no HAProxy');
  expect(wrongProcesses(['a'], { ...found, all: [1, 2, 3, 4] })).toBe('there are HAProxies that nobody needs: 4');
});
