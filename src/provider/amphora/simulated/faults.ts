import type { Configuration } from '../configuration.ts';
import { DriverError } from '../driver.ts';

/** The acts of `AmphoraDriver` that change something. */
export const ACTS = ['ensureVip', 'releaseVip', 'build', 'configure', 'attach', 'detach', 'drain', 'destroy'] as const;
export type Act = (typeof ACTS)[number];

/** What can go wrong in the simulated world, on purpose. */
export type Fault =
  /** The amphora is made but doesn't start; `observe` gives the problem. */
  | { kind: 'buildFails'; reason: string; message: string }
  /** The amphora is made, and stays starting for ever, without a word. */
  | { kind: 'neverReady' }
  /** The amphora refuses configurations: those that `matches` says yes to, all where unset. */
  | { kind: 'configurationRefused'; message: string; matches?: (configuration: Configuration) => boolean }
  /** The connections of the amphora neither end by themselves nor when asked to. */
  | { kind: 'connectionsDontEnd' }
  /** The amphora can't be asked how it is: `observe` rejects. */
  | { kind: 'unseen'; reason: string; message: string }
  /** The act rejects, having done nothing, or all of it. */
  | { kind: 'throws'; act: Act; when: 'before' | 'after'; error?: Error }
  /** The act never settles, unless its signal aborts it; nothing is done. */
  | { kind: 'hangs'; act: Act }
  /** What the act does shows this many milliseconds later. */
  | { kind: 'slow'; act: Act; ms: number };

/** Whom a fault meets: what is unset doesn't matter. `times`: how often it strikes, for ever where unset. */
export interface FaultTarget {
  amphora?: string;
  flavorId?: string;
  loadBalancerUid?: string;
  times?: number;
}

/** Whom an act is about; a VIP has neither name nor flavor. */
export interface Subject {
  amphora?: string;
  flavorId?: string;
  loadBalancerUid: string;
}

interface Injected {
  fault: Fault;
  target: FaultTarget;
  left: number;
}

/** The faults injected at the moment. */
export class Faults {
  #injected: Injected[] = [];

  /** Adds a fault; the function returned takes it away again. */
  inject(fault: Fault, target: FaultTarget = {}): () => void {
    const injected = { fault, target, left: target.times ?? Number.POSITIVE_INFINITY };
    this.#injected.push(injected);
    return () => {
      this.#injected = this.#injected.filter((other) => other !== injected);
    };
  }

  /** Takes all faults away. */
  clear(): void {
    this.#injected = [];
  }

  /** The fault of this kind that meets the subject, if any; it counts as having struck. */
  strike<K extends Fault['kind']>(
    kind: K,
    subject: Subject,
    { act, when, configuration }: { act?: Act; when?: 'before' | 'after'; configuration?: Configuration } = {},
  ): Extract<Fault, { kind: K }> | undefined {
    const hit = this.#injected.find(
      ({ fault, target, left }) =>
        fault.kind === kind &&
        left > 0 &&
        (!('act' in fault) || fault.act === act) &&
        (!('when' in fault) || fault.when === when) &&
        (!('matches' in fault) || !configuration || fault.matches?.(configuration) !== false) &&
        (target.amphora ?? subject.amphora) === subject.amphora &&
        (target.flavorId ?? subject.flavorId) === subject.flavorId &&
        (target.loadBalancerUid ?? subject.loadBalancerUid) === subject.loadBalancerUid,
    );
    if (!hit) return undefined;
    hit.left -= 1;
    return hit.fault as Extract<Fault, { kind: K }>;
  }
}

/** The error of a `throws` fault that names none. */
export const injectedError = (act: Act, when: 'before' | 'after') =>
  new DriverError('DriverFailed', `${act} failed ${when} taking effect: a fault that was injected`);
