import type { KubeClient } from '../../kube/client.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../kube/errors.ts';
import type { KubeObject, Resource } from '../../kube/types.ts';
import { type Clock, realClock, sleep } from './clock.ts';
import { type Log, silentLog } from './log.ts';

export const leaseResource: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

/** coordination.k8s.io/v1 Lease; times are RFC 3339 with microseconds. */
export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface LeaderElectionOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  /** Which Lease. */
  namespace: string;
  name: string;
  /** Who we are: unique among all who may stand for election, also among restarts of the same pod. */
  identity: string;
  /** A lease not renewed for so long may be taken by another. Default 15,000. */
  leaseDurationMs?: number;
  /** A leader that could not renew for so long steps down; less than the duration, so that it is gone before another begins. Default 10,000. */
  renewDeadlineMs?: number;
  /** How often to renew, or to look whether the lease is free. Default 2,000. */
  retryPeriodMs?: number;
  clock?: Clock;
  random?: () => number;
  log?: Log;
}

/**
 * Leader election on a Lease, as client-go does it. Clocks are never compared between processes: whoever wants the lease counts,
 * by its own monotonic clock, how long it has seen it unchanged. Each write is a compare and swap on resourceVersion.
 */
export class LeaderElection {
  readonly #options: Required<Omit<LeaderElectionOptions, 'log'>>;
  readonly #clock: Clock;
  readonly #log: Log;
  /** The lease as last seen, and since when, by our clock, it has looked like that. */
  #observed: { lease: Lease; since: number } | undefined;
  /** When the request that last renewed the lease was SENT: others can count from no earlier. Both clocks: either may have missed a pause. */
  #renewedAt: { monotonic: number; wall: number } | undefined;
  #isLeader = false;

  /** @throws RangeError unless retryPeriod < renewDeadline < leaseDuration */
  constructor(options: LeaderElectionOptions) {
    this.#options = {
      leaseDurationMs: 15_000,
      renewDeadlineMs: 10_000,
      retryPeriodMs: 2_000,
      clock: realClock,
      random: Math.random,
      ...options,
    };
    const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = this.#options;
    if (!(retryPeriodMs < renewDeadlineMs && renewDeadlineMs < leaseDurationMs)) {
      throw new RangeError(
        `leader election: retry period (${retryPeriodMs} ms) < renew deadline (${renewDeadlineMs} ms) < lease duration (${leaseDurationMs} ms) must hold`,
      );
    }
    this.#clock = this.#options.clock;
    this.#log = (options.log ?? silentLog).child({ lease: `${options.namespace}/${options.name}`, identity: options.identity });
  }

  isLeader(): boolean {
    return this.#isLeader;
  }

  /** The holder last seen; empty when nobody holds it. */
  get holder(): string {
    return this.#observed?.lease.spec?.holderIdentity ?? '';
  }

  /**
   * For how many ms from now nobody else can have become leader; 0 when someone may have. Ask right before a step that must not be
   * taken by two, and take it only if it will be done by then.
   */
  heldForMs(): number {
    if (!this.#isLeader || !this.#renewedAt) return 0;
    const elapsed = Math.max(this.#clock.monotonic() - this.#renewedAt.monotonic, this.#clock.now() - this.#renewedAt.wall);
    return Math.max(0, this.#options.leaseDurationMs - elapsed);
  }

  /** Resolves to true once we are the leader, to false when the signal aborts first. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    const { retryPeriodMs, random, leaseDurationMs } = this.#options;
    this.#log.info({ leaseDurationMs }, 'waiting to become the leader');
    while (!signal.aborted) {
      if (await this.#tryToHold(signal)) {
        this.#isLeader = true;
        this.#log.info({}, 'became the leader');
        return true;
      }
      // Chance keeps those who wait for the same lease from colliding again and again.
      await sleep(this.#clock, retryPeriodMs * (1 + 0.2 * random()), signal);
    }
    return false;
  }

  /**
   * Keeps the lease until the signal aborts; then gives it back, so that the next leader need not wait for it to run out.
   * Stop all work that needs the lease BEFORE aborting. Resolves to `released`, or to `lost` when it could not be renewed in time:
   * then another may be the leader at any moment, and the process should end.
   */
  async hold(signal: AbortSignal): Promise<'released' | 'lost'> {
    const { retryPeriodMs, renewDeadlineMs } = this.#options;
    while (!signal.aborted) {
      await sleep(this.#clock, retryPeriodMs, signal);
      if (signal.aborted) break;
      const leftMs = renewDeadlineMs - (this.#clock.monotonic() - this.#renewedAt!.monotonic);
      // Also after a pause of the whole process: others may have counted on while we stood still.
      if (leftMs > 0 && (await this.#tryToHold(signal, leftMs))) continue;
      if (signal.aborted) break;
      const sinceMs = this.#clock.monotonic() - this.#renewedAt!.monotonic;
      const takenBy = this.holder === this.#options.identity ? undefined : this.holder;
      if (sinceMs < renewDeadlineMs && !takenBy) continue;
      this.#isLeader = false;
      this.#log.error({ takenBy, notRenewedForMs: sinceMs }, 'lost the lease: no longer the leader');
      return 'lost';
    }
    await this.#release();
    return 'released';
  }

  /** One attempt to take or to renew the lease. Failures are logged, not thrown: the next attempt follows. */
  async #tryToHold(signal: AbortSignal, timeoutMs = this.#options.renewDeadlineMs): Promise<boolean> {
    const { client, namespace, name, identity } = this.#options;
    const sent = { monotonic: this.#clock.monotonic(), wall: this.#clock.now() };
    const call = { signal, timeoutMs };
    try {
      let lease: Lease;
      try {
        lease = await client.get<Lease>(leaseResource, { namespace, name }, call);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        const created = await client.create<Lease>(leaseResource, this.#leaseHeldByUs(undefined), call);
        this.#renewed(created, sent);
        return true;
      }
      this.#observe(lease);
      if (!this.#mayTake(lease)) {
        this.#log.debug({ holder: lease.spec?.holderIdentity }, 'another holds the lease');
        return false;
      }
      const written = await client.replace<Lease>(leaseResource, this.#leaseHeldByUs(lease), call);
      this.#renewed(written, sent);
      if (lease.spec?.holderIdentity !== identity) this.#log.info({ before: lease.spec?.holderIdentity }, 'took over the lease');
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (isConflict(error) || isAlreadyExists(error)) this.#log.debug({ err: error }, 'another wrote the lease first');
      else this.#log.warn({ err: error }, 'cannot read or write the lease, trying again');
      return false;
    }
  }

  #observe(lease: Lease): void {
    if (this.#observed?.lease.metadata.resourceVersion === lease.metadata.resourceVersion) return;
    this.#observed = { lease, since: this.#clock.monotonic() };
  }

  #renewed(lease: Lease, sent: { monotonic: number; wall: number }): void {
    this.#observed = { lease, since: this.#clock.monotonic() };
    this.#renewedAt = sent;
  }

  /** Ours, nobody's, or unchanged for longer than its holder asked for. */
  #mayTake(lease: Lease): boolean {
    const holder = lease.spec?.holderIdentity;
    if (!holder || holder === this.#options.identity) return true;
    const durationMs = (lease.spec?.leaseDurationSeconds ?? this.#options.leaseDurationMs / 1000) * 1000;
    return this.#clock.monotonic() - this.#observed!.since > durationMs;
  }

  #leaseHeldByUs(before: Lease | undefined): Lease {
    const { namespace, name, identity, leaseDurationMs } = this.#options;
    const now = microTime(this.#clock.now());
    const ours = before?.spec?.holderIdentity === identity;
    const transitions = before?.spec?.leaseTransitions ?? 0;
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: before?.metadata ?? { name, namespace },
      spec: {
        ...before?.spec,
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
        acquireTime: ours ? before?.spec?.acquireTime : now,
        renewTime: now,
        leaseTransitions: before && !ours ? transitions + 1 : transitions,
      },
    };
  }

  async #release(): Promise<void> {
    const { client, identity } = this.#options;
    this.#isLeader = false;
    const lease = this.#observed?.lease;
    if (lease?.spec?.holderIdentity !== identity) return;
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(this.#clock.now()) };
    try {
      await client.replace<Lease>(leaseResource, { ...lease, spec }, { timeoutMs: 5000 });
      this.#log.info({}, 'gave the lease back');
    } catch (error) {
      this.#log.warn({ err: error }, 'could not give the lease back: the next leader waits until it runs out');
    }
  }
}

/** metav1.MicroTime. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
