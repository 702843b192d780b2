import { type Amphora, conditionOf, type LoadBalancer } from '../../src/api/index.ts';

/** What is otherwise, by the objects, than it is to be at rest with this flavor in force; undefined where nothing is. */
export function wrongObjects(lb: LoadBalancer, amphorae: readonly Amphora[], flavorId: string, isPair: boolean): string | undefined {
  const [ready, available] = ['Ready', 'Available'].map((type) => conditionOf(lb.status?.conditions, type));
  const isNow = ready?.observedGeneration === lb.metadata.generation;
  if (ready?.status !== 'True' || !isNow || lb.status?.flavorId !== flavorId) return inWords(lb);
  const roles = isPair ? ['BACKUP', 'MASTER'] : ['STANDALONE'];
  const names = amphorae.map((a) => a.metadata.name).sort();
  const lines = lb.status.amphorae ?? [];
  const told = lines.map((a) => a.name).sort();
  if (String(told) !== String(names)) return `the status has amphorae ${told}, and there are ${names}`;
  if (String(amphorae.map((a) => a.spec.role).sort()) !== String(roles)) return `its amphorae are ${names}, not one for each of ${roles}`;
  const unfit = amphorae.find((a) => a.spec.flavorId !== flavorId || a.spec.steering !== 'Attached' || a.metadata.deletionTimestamp);
  if (unfit) return `amphora ${unfit.metadata.name} is ${unfit.spec.steering}, of flavor ${unfit.spec.flavorId}`;
  const untrue = lines.find((a) => !a.ready || a.flavorId !== flavorId || a.traffic !== (a.role === 'BACKUP' ? 'Standby' : 'Carries'));
  if (untrue)
    return `the status says of ${untrue.name} that it is ${untrue.traffic}, of flavor ${untrue.flavorId}${untrue.ready ? '' : ', not ready'}`;
  return available?.status === 'True' ? undefined : `Available is ${available?.status}, ${available?.reason}: ${available?.message}`;
}

/** What the driver has of a load balancer on its machine. */
export interface Found {
  /** Names of the folders of amphorae. */
  folders: readonly string[];
  /** HAProxies of the VIP and of each amphora. */
  needed: readonly (readonly number[])[];
  /** All HAProxies of the load balancer. */
  all: readonly number[];
}

/** Every amphora and the VIP have a HAProxy, and there is none besides; nor any folder. Undefined where that is so. */
export function wrongProcesses(names: readonly string[], { folders, needed, all }: Found): string | undefined {
  if (String([...folders].sort()) !== String([...names].sort())) return `the driver has amphorae ${folders}, and there are ${names}`;
  if (needed.some((pids) => pids.length === 0)) return 'an amphora or the VIP has no HAProxy';
  const strays = all.filter((pid) => !needed.flat().includes(pid));
  return strays.length > 0 ? `there are HAProxies that nobody needs: ${strays}` : undefined;
}

/** A status, as somebody who reads a report wants it. */
export function inWords({ status }: LoadBalancer): string {
  const { operation, amphorae: all = [], conditions } = status ?? {};
  const ready = conditionOf(conditions, 'Ready');
  return [
    `flavor ${status?.flavorId}`,
    operation &&
      `operation ${operation.number} ${operation.kind} to ${operation.to} ${operation.step} ${operation.result ?? ''} ${operation.message}`,
    `amphorae ${all.map((a) => `${a.name} ${a.traffic}${a.ready ? '' : ' (not ready)'}`).join(', ') || 'none'}`,
    `Ready ${ready?.status} ${ready?.reason}: ${ready?.message}`,
  ]
    .filter(Boolean)
    .join('; ');
}
