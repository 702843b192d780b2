import { describe, expect, jest, test } from '@jest/globals';
import { podsOf } from '../support/amphora-pod.ts';
import { useCluster } from '../support/cluster.ts';
import { Subject } from '../support/subject.ts';

jest.setTimeout(300_000);

const scene = useCluster('pair');

describe('the two amphorae of a pair are on different nodes', () => {
  const lb = () => new Subject(scene, 'pair');
  const amphorae = async () => (await podsOf(scene)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const atRestAndApart = async (flavorId: string) => {
    await lb().untilAtRest(flavorId, 2);
    const nodes = (await amphorae()).map(({ spec }) => spec.nodeName);
    expect(nodes).toHaveLength(2);
    expect(new Set(nodes).size).toBe(2);
  };

  test('when they are new', async () => {
    const listeners = [{ name: 'web', protocol: 'HTTP', protocolPort: 8080 }];
    await lb().create({ flavorId: 'test-small-ha', strategy: { settleSeconds: 1, verifySeconds: 1, drainSeconds: 5 }, listeners });
    await atRestAndApart('test-small-ha');
  });

  test('when another pair has taken their place in a resize', async () => {
    await lb().patch({ flavorId: 'test-large-ha' });
    await atRestAndApart('test-large-ha');
  });

  test.each(['MASTER', 'BACKUP'])(
    'when the one of role %s was lost and replaced, though there is more room where the other is',
    async (role) => {
      const lost = (await amphorae()).find(({ metadata }) => metadata.labels?.['reflavor.dev/role'] === role)!;
      await lb().apply(fillerOn(lost.spec.nodeName!));
      await lb().kubectl(['delete', 'pod', lost.metadata.name, '--grace-period=1']);
      await lb().until(async () => expect((await lb().amphorae()).map(({ metadata }) => metadata.name)).not.toContain(lost.metadata.name));
      await atRestAndApart('test-large-ha');
      await lb().kubectl(['delete', 'pod', 'filler']);
    },
  );
});

/** Takes room on a node, and does nothing. */
const fillerOn = (nodeName: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'filler' },
  spec: {
    nodeName,
    terminationGracePeriodSeconds: 1,
    securityContext: { runAsNonRoot: true, runAsUser: 99, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'filler',
        image: 'docker.io/library/haproxy:3.0',
        command: ['sleep', '600'],
        resources: { requests: { cpu: '800m', memory: '256Mi' } },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  },
});
