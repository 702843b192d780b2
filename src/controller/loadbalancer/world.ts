import type { Amphora, LoadBalancer, Reason, ResolvedFlavor } from '../../api/index.ts';
import type { ListenerProblem } from '../../provider/amphora/configuration.ts';
import type { ExistingAmphora, VipObservation } from '../../provider/amphora/driver.ts';
import type { Notice } from '../amphora/configuration.ts';

/** What is known of the flavor that the spec wants. */
export type FlavorLookup = { flavor: ResolvedFlavor } | { refused: Reason; message: string };

/** An amphora of the load balancer, with what it should have loaded for the present spec and members. */
export interface AmphoraView {
  object: Amphora;
  configurationHash: string;
  membersRevision: string;
}

/** Everything that a decision about one load balancer rests on, gathered at one visit. Pure data. */
export interface World {
  /** Milliseconds since the epoch. */
  now: number;
  /** When this process first visited the load balancer: an operator that was away rolls nothing back before it has looked. */
  visitedSince: number;
  loadBalancer: LoadBalancer;
  /** The flavor wanted: spec.flavorId, or the one in force, or the operator's default; undefined where there is none of them. */
  wantedFlavorId: string | undefined;
  /** The flavor of that name, and any other that an operation at hand needs. */
  lookup(flavorId: string): FlavorLookup;
  /** All amphorae of this uid, the draining ones too, by name. */
  amphorae: AmphoraView[];
  /** Whether an Amphora object of this name in the namespace belongs to something else. */
  isStranger(name: string): boolean;
  vip: VipObservation | undefined;
  /** Why the VIP can't be asked: `vip` is then what it was when it last could. */
  vipProblem?: { reason: string; message: string };
  /** Listeners that can't be served as the spec says. */
  problems: ListenerProblem[];
  /** What people should know of listeners that are served all the same. */
  notices: Notice[];
  /** Amphorae that exist where amphorae run, though there is no object of theirs. */
  strays: ExistingAmphora[];
}
