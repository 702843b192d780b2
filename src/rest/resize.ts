import { flavorOwners, isAwaitingOperator, type LoadBalancer, type Topology } from '../api/index.ts';
import { Fault, invalid, invalidState } from './fault.ts';
import { provisioningStatusOf } from './view.ts';

/** A flavor as far as a resize asks about it. */
export interface WantedFlavor {
  /** Its id in a load balancer: the name of the Flavor. */
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
 * What a request to resize asks to be written. Setting the flavor in force cancels a resize that runs, another one supersedes it, the one that
 * failed is tried again.
 *
 * @param flavor undefined where there is no such Flavor any more, which only a return to the flavor in force may be
 * @param options.managers field managers that write back what others change
 * @throws Fault 400 for a flavor that can't be taken, 409 for a state that takes none or a manager that owns the flavor
 */
export function resizeChange(
  loadBalancer: LoadBalancer,
  { name, flavor }: { name: string; flavor: WantedFlavor | undefined },
  { managers, force }: { managers: readonly string[]; force: boolean },
): ResizeChange {
  const { spec, status } = loadBalancer;
  requireTaking(loadBalancer);
  const wanted = spec.flavorId ?? status?.flavorId;
  const failed = provisioningStatusOf(loadBalancer) === 'ERROR';
  if (name === wanted && !failed) return {};
  if (name !== status?.flavorId) requireFit(loadBalancer, name, flavor);
  if (name === wanted) return { retry: true };
  const owners = flavorOwners(loadBalancer.metadata, managers);
  if (owners.length > 0 && !force) throw ownedBy(owners, loadBalancer);
  return { flavorId: name, ...(name === status?.failedFlavorId && { retry: true as const }) };
}

/** @throws Fault 409 in a state in which nothing could come of a resize or a failover */
export function requireTaking({ metadata, spec, status, ...rest }: LoadBalancer): void {
  const id = metadata.uid!;
  if (metadata.deletionTimestamp) throw invalidState('PENDING_DELETE', id, 'it is being deleted.');
  if (spec.suspend) {
    throw new Fault(
      409,
      `Load Balancer ${id} is immutable and cannot be updated: it is suspended, so that the operator does nothing with it. Set spec.suspend of LoadBalancer ${metadata.namespace}/${metadata.name} to false first.`,
    );
  }
  const creating =
    status?.flavorId === undefined && (isAwaitingOperator({ metadata, spec, status, ...rest }) || status?.provisioningStatus !== 'ERROR');
  if (creating) throw invalidState('PENDING_CREATE', id, 'wait until it is ACTIVE.');
}

function requireFit({ spec, status }: LoadBalancer, name: string, flavor: WantedFlavor | undefined): void {
  const keep = status?.flavorId ? ` Nothing has changed: flavor ${status.flavorId} stays in force.` : '';
  if (!flavor) throw invalid(`there is no flavor ${name}. Choose one that "openstack loadbalancer flavor list" shows.${keep}`);
  if (!flavor.enabled) {
    throw new Fault(
      400,
      `The selected flavor is not allowed in this deployment: ${name}. It is disabled: choose an enabled one, or have an admin enable it.${keep}`,
    );
  }
  if (flavor.provider !== spec.provider) {
    throw new Fault(
      400,
      `Flavor '${name}' is not compatible with provider '${spec.provider}'. It belongs to provider '${flavor.provider}': choose a flavor of provider '${spec.provider}'.${keep}`,
    );
  }
  if (status?.topology && flavor.topology !== status.topology) {
    throw invalid(
      `flavor ${name} has topology ${flavor.topology}, the load balancer ${status.topology}, which a resize cannot change. Choose a flavor of topology ${status.topology}, or create another load balancer.${keep}`,
    );
  }
}

function ownedBy(owners: string[], { metadata: { namespace, name } }: LoadBalancer): Fault {
  const who = owners.join(' and ');
  return new Fault(
    409,
    `The flavor of load balancer ${namespace}/${name} belongs to ${who}, which would write it back: change flavorId where ${who} takes it from (its Git repository). To change it here all the same, say "force": true.`,
  );
}
