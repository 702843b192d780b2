import { beforeEach, describe, expect, test } from '@jest/globals';
import { buildAmphora } from '../../../../test/contract/builders.ts';
import { SecretsInMemory } from '../../../../test/support/secrets.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { keyOf } from '../../../kube/paths.ts';
import type { KubeObject } from '../../../kube/types.ts';
import type { Watch } from '../../../kube/watched.ts';
import { Identity } from './identity/index.ts';
import { LABELS } from './names.ts';
import type { Node, Pod, Service } from './objects.ts';
import { AmphoraPods } from './pods.ts';
import { AmphoraSurroundings } from './surroundings.ts';

const now = () => Date.parse('2026-11-23T10:00:00Z');

/** What the watches have, by the plural of the resource. */
let seen: Record<string, KubeObject[]>;
const watch: Watch = <T extends KubeObject>(
  { plural }: Parameters<Watch>[0],
  { indexes = {} }: { indexes?: Record<string, (object: T) => readonly string[]> } = {},
) => {
  const list = () => (seen[plural] ?? []) as T[];
  return {
    list,
    get: (key) => list().find(({ metadata }) => keyOf(metadata) === key),
    byIndex: (index, value) => list().filter((object) => indexes[index]!(object).includes(value)),
    onEvent: () => {},
  };
};

const service: Service = { apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'shop', name: 'web-vip' }, spec: {} };
const pod = (name: string, role: string, nodeName: string, ip: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    namespace: 'shop',
    name,
    labels: {
      [LABELS.loadBalancerUid]: 'lb-uid',
      [LABELS.amphora]: name,
      [LABELS.role]: role,
      [LABELS.operation]: '1',
      [LABELS.vip]: 'lb-uid',
    },
  },
  spec: { nodeName },
  status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] },
});
const node = (name: string, ready: 'True' | 'False' | 'Unknown'): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  spec: {},
  status: { conditions: [{ type: 'Ready', status: ready }] },
});

describe('a standby whose active half lives', () => {
  const backup = buildAmphora({ name: 'web-1-1', role: 'BACKUP' });
  let surroundings: AmphoraSurroundings;
  const nodes = (...all: Node[]) => {
    seen.nodes = all;
  };
  const found = async () => {
    const { standbyOf, digest } = await surroundings.of(backup, undefined);
    return { standbyOf, digest };
  };

  beforeEach(() => {
    seen = {
      services: [service],
      pods: [pod('web-1-0', 'MASTER', 'node1', '10.0.0.1'), pod('web-1-1', 'BACKUP', 'node2', '10.0.0.2')],
      nodes: [node('node1', 'True'), node('node2', 'True')],
    };
    const client = new SecretsInMemory() as Partial<KubeClient> as KubeClient;
    const identity = new Identity({ client, namespace: 'reflavor', now });
    surroundings = new AmphoraSurroundings({ client, watch, identity, pods: new AmphoraPods(client, watch), now });
  });

  test('stands by for it', async () => {
    expect(await found()).toMatchObject({ standbyOf: '10.0.0.1:61028' });
  });

  test.each(['Unknown', 'False'] as const)(
    'takes the traffic all the same once Kubernetes has given up its node, and is given that to load: Ready is %s',
    async (ready) => {
      const before = await found();
      nodes(node('node1', ready), node('node2', 'True'));
      const after = await found();
      expect(after.standbyOf).toBeUndefined();
      expect(after.digest).not.toBe(before.digest);
      nodes(node('node1', 'True'), node('node2', 'True'));
      expect(await found()).toEqual(before);
    },
  );

  test('stands by for it where its node is not known, or its own node alone is lost', async () => {
    nodes(node('node2', 'True'));
    expect(await found()).toMatchObject({ standbyOf: '10.0.0.1:61028' });
    nodes(node('node1', 'True'), node('node2', 'Unknown'));
    expect(await found()).toMatchObject({ standbyOf: '10.0.0.1:61028' });
  });
});
