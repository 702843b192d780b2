import { LB, MemoryCluster } from '../../chaos/memory/cluster.ts';
import { unrest } from '../../chaos/memory/rest.ts';
import type { Amphora, LoadBalancerStatus, Topology } from '../../src/api/index.ts';
import { amphorae, loadBalancers } from '../../src/controller/resources.ts';
import type { SimulatedAmphora } from '../../src/provider/amphora/simulated/world.ts';

const spec = {
  flavorId: 'a',
  strategy: { settleSeconds: 1, verifySeconds: 2, drainSeconds: 15, progressDeadlineSeconds: 60 },
  listeners: [{ name: 'web', protocol: 'HTTP', protocolPort: 80, defaultPool: 'web' }],
  pools: [{ name: 'web', protocol: 'HTTP', members: [{ address: '10.1.0.1', protocolPort: 8080 }] }],
};

/** A cluster in memory whose operator has brought a load balancer to rest and is gone, so that whatever is done to it from now on stays. */
export class Planted {
  readonly cluster: MemoryCluster;

  private constructor(cluster: MemoryCluster) {
    this.cluster = cluster;
  }

  static async atRest(topology: Topology = 'SINGLE'): Promise<Planted> {
    const planted = await Planted.running(topology);
    planted.cluster.close();
    return planted;
  }

  /** Its operator goes on. */
  static async running(topology: Topology = 'SINGLE'): Promise<Planted> {
    const cluster = new MemoryCluster({ seed: 1, topology });
    cluster.startOperator();
    cluster.createLoadBalancer(spec);
    if (!(await cluster.until(() => unrest(cluster).length === 0, 100_000))) throw new Error(`not created: ${unrest(cluster)}`);
    return new Planted(cluster);
  }

  get uid(): string {
    return this.cluster.loadBalancer!.metadata.uid!;
  }

  get status(): LoadBalancerStatus {
    return this.cluster.loadBalancer!.status!;
  }

  /** Those that there are, as they are: to be changed in place. */
  get amphorae(): SimulatedAmphora[] {
    return this.cluster.amphorae.amphorae(this.uid);
  }

  get objects(): Amphora[] {
    return this.cluster.amphoraObjects;
  }

  /** Writes a status with these fields changed. */
  write(changes: Record<string, unknown>): void {
    const { server, loadBalancer } = this.cluster;
    server.replace(loadBalancers, { ...loadBalancer!, status: { ...loadBalancer!.status, ...changes } }, 'status');
  }

  /** Writes a status whose conditions of these types are so. */
  claim(status: 'True' | 'False', ...types: string[]): void {
    const { conditions = [] } = this.status;
    const claimed = types.map((type) => ({
      type,
      status,
      reason: 'Planted',
      message: 'Planted.',
      observedGeneration: this.status.observedGeneration,
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }));
    this.write({ conditions: [...conditions.filter(({ type }) => !types.includes(type)), ...claimed] });
  }

  /** Makes one more Amphora object like the first, with these fields of its spec changed. */
  makeAmphora(name: string, changes: Partial<Amphora['spec']> = {}): void {
    const [first] = this.objects;
    const { apiVersion, kind } = first!;
    const object = { apiVersion, kind, metadata: { namespace: LB.namespace, name }, spec: { ...first!.spec, peer: 7, ...changes } };
    this.cluster.server.create(amphorae, object);
  }

  /** The object of the first amphora is gone, with no finalizer to hold it. */
  removeObject(): void {
    this.#remove(amphorae, this.objects[0]!.metadata.name);
  }

  /** The load balancer's object is gone, with no finalizer to hold it. */
  removeLoadBalancer(): void {
    this.#remove(loadBalancers, LB.name);
  }

  #remove(resource: typeof amphorae, name: string): void {
    const ref = { namespace: LB.namespace, name };
    this.cluster.server.patchMerge(resource, ref, { metadata: { finalizers: null } });
    this.cluster.server.delete(resource, ref);
  }

  get broken(): string[] {
    return this.cluster.promises.broken;
  }
}
