import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect } from '@jest/globals';
import { SimulatedWorld } from '../../../src/provider/amphora/simulated/world.ts';
import type { LoadBalancer, LoadBalancerSpec } from '../../../src/sdk/index.ts';
import { type TestControlPlane, useControlPlane } from '../../support/controlplane.ts';
import { eventually } from '../../support/eventually.ts';
import { TestOperator } from '../../support/operator.ts';

const root = join(import.meta.dirname, '../../..');

export interface Setting {
  controlPlane: TestControlPlane;
  world: SimulatedWorld;
  operator: TestOperator;
  /** Creates a load balancer of flavor `small` and waits until it is ACTIVE; gives its address. */
  create(spec?: LoadBalancerSpec, namespace?: string): Promise<{ name: string; namespace: string }>;
  get(ref: { name: string; namespace: string }): Promise<LoadBalancer>;
  patch(ref: { name: string; namespace: string }, spec: LoadBalancerSpec): Promise<void>;
  until(ref: { name: string; namespace: string }, what: (loadBalancer: LoadBalancer) => void): Promise<LoadBalancer>;
}

/** An API server with kinds, admission policies and the example flavors, and the operator over amphorae that a test can bend. */
export function useSetting(): Setting {
  const controlPlane = useControlPlane({ crds: true });
  const world = new SimulatedWorld({ newConnectionsPerSecond: 100 });
  let operator: TestOperator | undefined;
  let count = 0;

  beforeAll(async () => {
    await controlPlane.kubectl(['apply', '-f', join(root, 'deploy/admission.yaml'), '-f', join(root, 'examples/flavors.yaml')]);
    operator = new TestOperator(controlPlane.kubeconfigPath, world);
    operator.start();
  }, 60_000);
  afterAll(() => operator?.stop(), 60_000);
  beforeEach(() => world.faults.clear());

  const setting: Setting = {
    controlPlane,
    world,
    get operator() {
      return operator!;
    },
    async create(spec = {}, namespace = 'default') {
      const name = `lb-${++count}`;
      const object = {
        apiVersion: 'reflavor.dev/v1alpha1',
        kind: 'LoadBalancer',
        metadata: { name, namespace },
        spec: {
          flavorId: 'small',
          strategy: { settleSeconds: 0, verifySeconds: 1, drainSeconds: 2 },
          listeners: [{ name: 'web', protocol: 'HTTP', protocolPort: 80, defaultPool: 'web' }],
          pools: [{ name: 'web', protocol: 'HTTP', members: [{ address: '192.0.2.1', protocolPort: 80 }] }],
          ...spec,
        },
      };
      await controlPlane.kubectl(['create', '-f', '-'], { input: JSON.stringify(object) });
      await setting.until({ name, namespace }, ({ status }) => expect(status?.provisioningStatus).toBe('ACTIVE'));
      return { name, namespace };
    },
    async get({ name, namespace }) {
      return JSON.parse(await controlPlane.kubectl(['get', 'lb', name, '--namespace', namespace, '-o', 'json', '--show-managed-fields']));
    },
    async patch({ name, namespace }, spec) {
      await controlPlane.kubectl(['patch', 'lb', name, '--namespace', namespace, '--type=merge', '-p', JSON.stringify({ spec })]);
    },
    until: (ref, what) =>
      eventually(
        async () => {
          const loadBalancer = await setting.get(ref);
          what(loadBalancer);
          return loadBalancer;
        },
        { withinMs: 60_000, everyMs: 100 },
      ),
  };
  return setting;
}
