import { expect, test } from '@jest/globals';
import { run } from '../../../chaos/crashes/index.ts';
import { SCENARIOS, TOPOLOGIES } from '../../../chaos/crashes/scenarios.ts';
import { MemoryCluster } from '../../../chaos/memory/cluster.ts';
import { comesToRest } from '../../../chaos/memory/rest.ts';

const late = SCENARIOS.find(({ name }) => name === 'a resize that fails once the old amphorae are out')!;

test.each(TOPOLOGIES)('of %s, what breaks while it is watched sends the resize back', async (topology) => {
  const cluster = new MemoryCluster({ seed: 1, topology });
  cluster.startOperator();
  await late.prepare(cluster);
  late.ask(cluster);
  const left = await comesToRest(cluster, 600_000);
  const { operation, flavorId } = cluster.loadBalancer!.status!;
  cluster.close();
  expect({ left, broken: cluster.promises.broken, flavorId, result: operation!.result }).toEqual({
    left: [],
    broken: [],
    flavorId: 'a',
    result: 'Failed',
  });
  // It had come as far as that the old ones were out.
  expect(operation!.goals!.map(({ name }) => name)).toContain('Attached');
});

test('a scenario that ends with another flavor than is told is found out', async () => {
  const { broken } = await run({ ...late, ends: 'b' }, 'SINGLE');
  expect(broken).toEqual(['flavor a is in force in the end, not b']);
});

test('an operator that crashes at a write is another one’s to go on for', async () => {
  const { writes } = await run(late, 'SINGLE');
  const half = Math.floor(writes.length / 2);
  for (const when of ['before', 'after'] as const) expect((await run(late, 'SINGLE', { write: half, when })).broken).toEqual([]);
});

test('a crash at a write that is never made is told of', async () => {
  const { writes } = await run(late, 'SINGLE');
  const { broken } = await run(late, 'SINGLE', { write: writes.length + 1000, when: 'before' });
  expect(broken).toEqual(['the operator never came to the write at which it was to crash']);
});
