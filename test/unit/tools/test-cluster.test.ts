import { describe, expect, test } from '@jest/globals';
import type { Node } from '../../../src/provider/amphora/kubernetes/objects.ts';
import { provideOperatorImage } from '../../../tools/cluster/install-chart.ts';
import { nodesForPods } from '../../support/test-cluster.ts';

const node = (name: string, ready: 'True' | 'Unknown', spec: Node['spec'] = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  spec,
  status: { conditions: [{ type: 'Ready', status: ready }] },
});
const taint = (effect: string) => ({ taints: [{ key: 'example.org/reason', effect }] });

test('nodes for pods are those that take any', () => {
  const nodes = [
    node('worker-2', 'True'),
    node('worker-1', 'True', taint('PreferNoSchedule')),
    node('control-plane', 'True', taint('NoSchedule')),
    node('leaving', 'True', taint('NoExecute')),
    node('cordoned', 'True', { unschedulable: true }),
    node('silent', 'Unknown'),
  ];
  expect(nodesForPods(nodes)).toEqual(['worker-1', 'worker-2']);
});

describe('the operator’s image of a cluster that pulls it', () => {
  test.each([
    ['registry.example.org:5000/reflavor', 'registry.example.org:5000/reflavor:1.2.3'],
    ['registry.example.org:5000/reflavor:main', 'registry.example.org:5000/reflavor:main'],
    ['reflavor', 'reflavor:1.2.3'],
  ])('is named %s', async (image, name) => {
    expect(await provideOperatorImage({}, { image, tag: '1.2.3' })).toBe(name);
  });

  test('is the chart’s own where none is named', async () => {
    expect(await provideOperatorImage({}, { tag: '1.2.3' })).toBe('docker.io/reflavor/reflavor:1.2.3');
  });
});
