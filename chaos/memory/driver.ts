import type { Amphora } from '../../src/api/index.ts';
import type { Configuration } from '../../src/provider/amphora/configuration.ts';
import type { AmphoraDriver, AmphoraObservation, LoadBalancerRef, VipRef } from '../../src/provider/amphora/driver.ts';
import type { Act } from '../../src/provider/amphora/simulated/faults.ts';
import type { ApiFaults } from './api-faults.ts';
import type { Link } from './link.ts';

/** Told of each act right before it is done. */
export type Witness = (act: Act, about: { uid: string; amphora?: string; ports?: number[] }) => void;

/** A driver as one process has it: everything goes through the process's link, so that nothing is done once that has ended. */
export class LinkedDriver implements AmphoraDriver {
  readonly name = 'simulated';
  readonly #driver: AmphoraDriver;
  readonly #link: Link;
  readonly #witness: Witness;
  readonly #wallOffsetMs: () => number;
  readonly #faults: Pick<ApiFaults, 'lagMs'>;
  /** By uid: a VIP as a watch that lags has it. */
  readonly #seenVips = new Map<string, { at: number; attached: string[]; ports: number[] }>();

  /** @param wallOffsetMs how far the wall clock is ahead of that of the amphorae */
  constructor(driver: AmphoraDriver, link: Link, faults: Pick<ApiFaults, 'lagMs'>, witness: Witness, wallOffsetMs: () => number = () => 0) {
    this.#driver = driver;
    this.#link = link;
    this.#faults = faults;
    this.#witness = witness;
    this.#wallOffsetMs = wallOffsetMs;
  }

  ensureVip(vip: VipRef, ports: number[], signal?: AbortSignal) {
    return this.#act('ensureVip', { uid: vip.uid, ports }, () => this.#driver.ensureVip(vip, ports, signal), signal);
  }

  async observeVip(vip: VipRef, signal?: AbortSignal, { mayLag = false } = {}) {
    const now = await this.#link.call(() => this.#driver.observeVip(vip, signal), signal);
    const before = this.#seenVips.get(vip.uid);
    if (now && before && mayLag && this.#link.monotonic() - before.at < this.#faults.lagMs)
      return { ...now, attached: before.attached, ports: now.ports.filter((port) => before.ports.includes(port)) };
    this.#seenVips.set(vip.uid, { at: this.#link.monotonic(), attached: now?.attached ?? [], ports: now?.ports ?? [] });
    return now;
  }

  releaseVip(vip: VipRef, signal?: AbortSignal) {
    return this.#act('releaseVip', { uid: vip.uid }, () => this.#driver.releaseVip(vip, signal), signal);
  }

  build(amphora: Amphora, configuration: Configuration, options?: { serversState?: string }, signal?: AbortSignal) {
    return this.#act('build', subject(amphora), () => this.#driver.build(amphora, configuration, options, signal), signal);
  }

  configure(amphora: Amphora, configuration: Configuration, signal?: AbortSignal) {
    return this.#act('configure', subject(amphora), () => this.#driver.configure(amphora, configuration, signal), signal);
  }

  lastConfiguration(amphora: Amphora, signal?: AbortSignal) {
    return this.#link.call(() => this.#driver.lastConfiguration(amphora, signal), signal);
  }

  async observe(amphora: Amphora, signal?: AbortSignal): Promise<AmphoraObservation> {
    const seen = await this.#link.call(() => this.#driver.observe(amphora, signal), signal);
    // A start is told by the wall clock of the moment, as the kernel does: a jump moves it too.
    return { ...seen, startedAt: seen.startedAt && new Date(seen.startedAt.getTime() + this.#wallOffsetMs()) };
  }

  serversState(amphora: Amphora, signal?: AbortSignal) {
    return this.#link.call(() => this.#driver.serversState(amphora, signal), signal);
  }

  attach(amphora: Amphora, signal?: AbortSignal) {
    return this.#act('attach', subject(amphora), () => this.#driver.attach(amphora, signal), signal);
  }

  detach(amphora: Amphora, signal?: AbortSignal) {
    return this.#act('detach', subject(amphora), () => this.#driver.detach(amphora, signal), signal);
  }

  drain(amphora: Amphora, signal?: AbortSignal) {
    return this.#act('drain', subject(amphora), () => this.#driver.drain(amphora, signal), signal);
  }

  destroy(amphora: Amphora, signal?: AbortSignal) {
    return this.#act('destroy', subject(amphora), () => this.#driver.destroy(amphora, signal), signal);
  }

  list(loadBalancer: LoadBalancerRef, signal?: AbortSignal) {
    return this.#link.call(() => this.#driver.list(loadBalancer, signal), signal);
  }

  #act<T>(act: Act, about: Parameters<Witness>[1], effect: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const write = () => {
      this.#witness(act, about);
      return effect();
    };
    return this.#link.call(() => this.#link.write(`${act} ${about.amphora ?? ''}`.trim(), write), signal);
  }
}

const subject = ({ metadata, spec }: Amphora) => ({ uid: spec.loadBalancer.uid, amphora: metadata.name });
