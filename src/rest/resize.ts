import { flavorOwners, isAwaitingOperator, type LoadBalancer, RETRY_ANNOTATION, type Topology } from '../api/index.ts';
import { conflict, invalid, OctaviaFault, provisioningOf } from './octavia/index.ts';

/** A flavor as far as a resize asks about it; its name is its id in a load balancer. */
export interface WantedFlavor {
  name: string;
  enabled: boolean;
  provider: string;
  topology: Topology;
}

/** What is to be written for a resize; nothing where it is so already. */
export interface ResizeChange {
  flavorId?: string;
  /** A failed attempt at the same is to be made again. */
  retry?: true;
}

/**
 * What a request to resize asks to be written. The flavor in force cancels a resize that runs, another one supersedes it, the one that failed is
 * tried again.
 *
 * @param name of the flavor that is asked for; `flavor` is undefined where there is none of that name, which only the one in force may be
 * @param options.managers field managers that write back what others change
 * @throws OctaviaFault 400 for a flavor that can't be taken, 409 for a state that takes none or a manager that owns the flavor
 */
export function resizeChange(
  loadBalancer: LoadBalancer,
  { name, flavor }: { name: string; flavor: WantedFlavor | undefined },
  { managers, force }: { managers: readonly string[]; force: boolean },
): ResizeChange {
  const { metadata, spec, status } = loadBalancer;
  requireTaking(loadBalancer);
  const wanted = spec.flavorId ?? status?.flavorId;
  if (name === wanted && isSeenTo(loadBalancer, name)) return {};
  if (name !== status?.flavorId) requireFlavorFits(loadBalancer, name, flavor);
  if (name === wanted) return { retry: true };
  const owners = flavorOwners(metadata, managers);
  if (owners.length > 0 && !force) throw ownedBy(owners, loadBalancer);
  return { flavorId: name, ...(hasFailed(loadBalancer, name) && { retry: true as const }) };
}

/** Whether nothing has to be written for a flavor that the spec asks for: it is in force, or on its way and not taken back. */
function isSeenTo(loadBalancer: LoadBalancer, name: string): boolean {
  const { flavorId, operation } = loadBalancer.status ?? {};
  const isOnItsWay = operation?.to === name && !operation.finishedAt && !operation.result;
  return isOnItsWay || (name === flavorId && provisioningOf(loadBalancer) !== 'ERROR');
}

/** Whether a resize to this flavor failed, or is going back because it did: the operator tries it again only where that is asked for. */
function hasFailed({ status }: LoadBalancer, name: string): boolean {
  const { failedFlavorId, operation } = status ?? {};
  if (name === failedFlavorId) return true;
  return operation?.kind === 'Resize' && operation.to === name && operation.result === 'Failed' && !operation.finishedAt;
}

/** The load balancer with a change of {@link resizeChange}. @param token names the request to the operator: one that was never used */
export function withChange(loadBalancer: LoadBalancer, { flavorId, retry }: ResizeChange, token: string): LoadBalancer {
  if (flavorId === undefined && !retry) return loadBalancer;
  const { metadata, spec } = loadBalancer;
  const annotations = retry ? { ...metadata.annotations, [RETRY_ANNOTATION]: token } : metadata.annotations;
  return { ...loadBalancer, metadata: { ...metadata, annotations }, spec: { ...spec, ...(flavorId !== undefined && { flavorId }) } };
}

/** @throws OctaviaFault 409 in a state in which nothing could come of a resize or a failover */
export function requireTaking(loadBalancer: LoadBalancer): void {
  const { metadata, spec, status } = loadBalancer;
  if (metadata.deletionTimestamp) throw invalidState('PENDING_DELETE', loadBalancer, 'it is being deleted.');
  if (spec.suspend) {
    throw conflict(
      `Load Balancer ${metadata.uid} is immutable and cannot be updated: it is suspended, so that the operator does nothing with it. Set spec.suspend of LoadBalancer ${metadata.namespace}/${metadata.name} to false first.`,
    );
  }
  const creating = status?.flavorId === undefined && (isAwaitingOperator(loadBalancer) || status?.provisioningStatus !== 'ERROR');
  if (creating) throw invalidState('PENDING_CREATE', loadBalancer, 'wait until it is ACTIVE.');
}

/** Octavia's words for a state that can't take what is asked, and what can be done. */
export const invalidState = (state: string, { metadata }: LoadBalancer, remedy: string): OctaviaFault =>
  conflict(`Invalid state ${state} of loadbalancer resource ${metadata.uid}: ${remedy}`);

function requireFlavorFits({ spec, status }: LoadBalancer, name: string, flavor: WantedFlavor | undefined): void {
  const keep = status?.flavorId ? ` Nothing has changed: flavor ${status.flavorId} stays in force.` : '';
  if (!flavor) throw invalid(`Invalid new_flavor_id. There is no flavor ${name}: choose one that GET /v2.0/lbaas/flavors lists.${keep}`);
  if (!flavor.enabled) {
    throw new OctaviaFault(
      400,
      `The selected flavor is not allowed in this deployment: ${name}. It is disabled: choose an enabled one, or have an admin enable it.${keep}`,
    );
  }
  if (flavor.provider !== spec.provider) {
    throw new OctaviaFault(
      400,
      `Flavor '${name}' is not compatible with provider '${spec.provider}'. It belongs to provider '${flavor.provider}': choose a flavor of provider '${spec.provider}'.${keep}`,
    );
  }
  if (status?.topology && flavor.topology !== status.topology) {
    throw invalid(
      `Flavor '${name}' has topology ${flavor.topology}, the load balancer ${status.topology}, which a resize cannot change. Choose a flavor of topology ${status.topology}, or create another load balancer.${keep}`,
    );
  }
}

function ownedBy(owners: string[], { metadata: { namespace, name } }: LoadBalancer): OctaviaFault {
  const who = owners.join(' and ');
  return conflict(
    `The flavor of LoadBalancer ${namespace}/${name} belongs to ${who}, which would write it back: change flavorId where ${who} takes it from, in its Git repository. To change it here all the same, add "force": true.`,
  );
}
