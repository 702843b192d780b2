import type { LeaderElectionOptions, Lease } from '../../src/controller/runtime/leaderelection.ts';
import { KubeError } from '../../src/kube/errors.ts';

/** One Lease, written by compare and swap, as an API server keeps it; it can be cut off from some of its clients. */
export class LeaseServer {
  lease: Lease | undefined;
  readonly unreachable = new Set<string>();
  #version = 0;

  clientFor(identity: string): LeaderElectionOptions['client'] {
    const reach = () => {
      if (this.unreachable.has(identity)) throw new KubeError('no answer', { status: 0, reason: 'Unreachable' });
    };
    const write = (lease: Lease) => {
      this.lease = structuredClone({ ...lease, metadata: { ...lease.metadata, resourceVersion: String(++this.#version) } });
      return structuredClone(this.lease);
    };
    const client = {
      get: async () => {
        reach();
        if (!this.lease) throw new KubeError('no lease', { status: 404, reason: 'NotFound' });
        return structuredClone(this.lease);
      },
      create: async (_resource: unknown, lease: Lease) => {
        reach();
        if (this.lease) throw new KubeError('exists', { status: 409, reason: 'AlreadyExists' });
        return write(lease);
      },
      replace: async (_resource: unknown, lease: Lease) => {
        reach();
        if (lease.metadata.resourceVersion !== this.lease?.metadata.resourceVersion) {
          throw new KubeError('conflict', { status: 409, reason: 'Conflict' });
        }
        return write(lease);
      },
    };
    return client as unknown as LeaderElectionOptions['client'];
  }
}
