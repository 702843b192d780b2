import type { ObjectMeta as ParsedObjectMeta } from '../api/meta.ts';
import { FAILOVER_ANNOTATION, RETRY_ANNOTATION } from '../api/names.ts';
import { flavorOwners } from '../api/ownership.ts';
import { type Client, type PatchOptions, translated } from './client.ts';
import { ApiError, NotFound, OwnedByGitOps, Refused } from './errors.ts';
import { Flavor, LoadBalancer, type ObjectRef } from './kinds.ts';
import { failedTry, operationsOf, runningOperation } from './outcome.ts';
import { read } from './versions.ts';

export interface ActOptions extends PatchOptions {
  /** Also where somebody who writes `flavorId` back from Git owns it. Default false. */
  force?: boolean;
  /** Field managers that write `flavorId` back from Git; `*` stands for anything. Default: those of Argo CD and Flux. */
  gitOpsManagers?: readonly string[];
}

/** How often a cancel is tried again when the operator wrote in between. */
const ATTEMPTS = 20;

/**
 * Asks for a flavor: a resize begins, or the one that runs gives way, or, with the flavor in force, is cancelled. With a flavor to which a
 * resize failed, tries again. Returns as soon as the API server has taken it: {@link waitForResize} waits for what comes of it.
 *
 * @param target an address, or the object
 * @param flavorId name of the Flavor; see {@link findFlavor}
 * @returns the load balancer as the request left it
 * @throws OwnedByGitOps, unless `force`; Refused by admission; NotFound; ApiError
 */
export async function resize(
  client: Client,
  target: ObjectRef | LoadBalancer,
  flavorId: string,
  options: ActOptions = {},
): Promise<LoadBalancer> {
  const loadBalancer = await read(client, refOf(target), options);
  const again = failedTry(loadBalancer, flavorId) !== undefined;
  const asked = loadBalancer.spec.flavorId === flavorId;
  if (asked && !again) return loadBalancer;
  if (!asked) refuseOwned(loadBalancer, options);
  return patch(client, loadBalancer, { annotations: again ? { [RETRY_ANNOTATION]: token() } : undefined, flavorId }, options);
}

/**
 * Takes a resize back: sets `flavorId` to the flavor in force, which serves all the while. Also after a resize was refused or has failed.
 *
 * @returns the load balancer as the request left it; {@link waitForResize} waits until the old amphorae alone have the traffic
 * @throws Refused with reason `NothingToCancel`, also where the resize was over just before; OwnedByGitOps, unless `force`; NotFound; ApiError
 */
export async function cancel(client: Client, target: ObjectRef | LoadBalancer, options: ActOptions = {}): Promise<LoadBalancer> {
  for (let attempt = 1; ; attempt++) {
    const loadBalancer = await read(client, refOf(target), options);
    const { metadata, spec, status } = loadBalancer;
    const inForce = status?.flavorId;
    if (inForce === undefined) {
      const words = `load balancer ${metadata.name} has no flavor in force to go back to: delete it, or ask for another flavor`;
      throw new Refused('NothingToCancel', words, { loadBalancer });
    }
    if ((spec.flavorId ?? inForce) === inForce) {
      const words = `load balancer ${metadata.name} has no resize to cancel: flavor ${inForce} is in force and asked for`;
      throw new Refused('NothingToCancel', words, { loadBalancer });
    }
    refuseOwned(loadBalancer, options);
    try {
      // Only what was read may be taken back: were the resize over meanwhile, this would begin one to the old flavor.
      const { resourceVersion } = metadata;
      return await patch(client, loadBalancer, { resourceVersion, flavorId: inForce }, options);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 409) || attempt === ATTEMPTS) throw error;
    }
  }
}

/**
 * Asks for what failed or was refused to be tried again.
 *
 * @returns the load balancer as the request left it
 * @throws Refused with reason `NothingToRetry`; NotFound; ApiError
 */
export async function retry(client: Client, target: ObjectRef | LoadBalancer, options: PatchOptions = {}): Promise<LoadBalancer> {
  const loadBalancer = await read(client, refOf(target), options);
  const { metadata, spec, status } = loadBalancer;
  const failed = operationsOf(loadBalancer)[0]?.result === 'Failed' || failedTry(loadBalancer, spec.flavorId) !== undefined;
  if (runningOperation(loadBalancer) || !(failed || status?.resize === 'Refused')) {
    const words = `load balancer ${metadata.name} has nothing to retry: its last operation ${runningOperation(loadBalancer) ? 'runs' : 'did not fail'}`;
    throw new Refused('NothingToRetry', words, { loadBalancer });
  }
  return patch(client, loadBalancer, { annotations: { [RETRY_ANNOTATION]: token() } }, options);
}

/**
 * Asks for a failover: new amphorae of the flavor in force take the place of those that there are. An operation that runs comes to its end first.
 *
 * @returns the load balancer as the request left it; {@link waitForFailover} waits for what comes of it
 * @throws NotFound; ApiError
 */
export async function failover(client: Client, target: ObjectRef | LoadBalancer, options: PatchOptions = {}): Promise<LoadBalancer> {
  const loadBalancer = await read(client, refOf(target), options);
  return patch(client, loadBalancer, { annotations: { [FAILOVER_ANNOTATION]: token() } }, options);
}

/**
 * The flavor of this name, or uid.
 *
 * @throws NotFound with the names that there are; ApiError, also where the user may not list flavors (status 403)
 */
export async function findFlavor(client: Client, idOrName: string, { signal }: { signal?: AbortSignal } = {}): Promise<Flavor> {
  const flavors = await client.list(Flavor, { signal });
  const found = flavors.find(({ metadata }) => metadata.name === idOrName) ?? flavors.find(({ metadata }) => metadata.uid === idOrName);
  if (found) return found;
  const names = flavors.map(({ metadata }) => metadata.name).sort();
  throw new NotFound('FlavorNotFound', `there is no flavor ${idOrName}: choose ${names.join(', ') || 'one that an admin has yet to make'}`);
}

/** Who writes the flavor back from Git; empty where nobody does. */
export const gitOpsOwnersOf = ({ metadata }: LoadBalancer, managers?: readonly string[]): string[] =>
  flavorOwners(metadata as ParsedObjectMeta, managers);

const refOf = (target: ObjectRef | LoadBalancer): ObjectRef => ('metadata' in target ? target.metadata : target);

/** New at each call. Begins with the time, for whoever looks at the annotation. */
const token = (): string => `${new Date().toISOString()}-${crypto.randomUUID().slice(0, 8)}`;

function refuseOwned(loadBalancer: LoadBalancer, { force = false, gitOpsManagers }: ActOptions): void {
  const owners = gitOpsOwnersOf(loadBalancer, gitOpsManagers);
  if (!force && owners.length > 0) throw new OwnedByGitOps(loadBalancer, owners);
}

async function patch(
  client: Client,
  { metadata: { name, namespace, uid } }: LoadBalancer,
  { flavorId, ...metadata }: { annotations?: Record<string, string>; resourceVersion?: string; flavorId?: string },
  { signal, fieldManager = 'reflavor-sdk', dryRun }: PatchOptions,
): Promise<LoadBalancer> {
  const change = { metadata: { uid, ...metadata }, ...(flavorId !== undefined && { spec: { flavorId } }) };
  try {
    return await client.patch(LoadBalancer, { name, namespace }, change, { signal, fieldManager, dryRun });
  } catch (error) {
    throw translated(error);
  }
}
