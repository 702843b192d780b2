import { describe, expect, jest, test } from '@jest/globals';
import { podsOf } from '../support/amphora-pod.ts';
import { useCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { Subject } from '../support/subject.ts';

jest.setTimeout(300_000);

const scene = useCluster('placement');

describe('the two amphorae of a pair are on different nodes', () => {
  const nodesOfAmphorae = async () => {
    const pods = (await podsOf(scene)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return pods.map(({ spec }) => spec.nodeName).sort();
  };
  const areApart = async () => {
    const nodes = await nodesOfAmphorae();
    expect(nodes).toHaveLength(2);
    expect(new Set(nodes).size).toBe(2);
  };
  const lb = () => new Subject(scene, 'pair');

  test('when they are new', async () => {
    const listeners = [{ name: 'web', protocol: 'HTTP', protocolPort: 8080 }];
    await lb().create({ flavorId: 'test-small-ha', strategy: { settleSeconds: 1, verifySeconds: 1 }, listeners });
    await lb().untilAtRest('test-small-ha', 2);
    await areApart();
  });

  test('when another pair has taken their place in a resize', async () => {
    await lb().patch({ flavorId: 'test-large-ha' });
    await lb().untilAtRest('test-large-ha', 2);
    await eventually(areApart);
  });
});
