import { conditionOf, isTrue, type LoadBalancer, requestsOf } from '../../src/api/index.ts';
import { flavors } from '../../src/controller/resources.ts';
import { type SimulatedAmphora, seen } from '../../src/provider/amphora/simulated/world.ts';
import { LB, type MemoryCluster } from './cluster.ts';
import { portsOf } from './promises.ts';

/** What is not yet as it is to be once faults have ended and time has passed; empty when all is. */
export function unrest(cluster: MemoryCluster): string[] {
  const lb = cluster.loadBalancer;
  const objects = cluster.amphoraObjects.map((a) => a.metadata.name).sort();
  if (!lb) return objects.length > 0 ? [`no load balancer, and Amphora objects ${objects}`] : [];
  if (lb.metadata.deletionTimestamp) return ['it is being deleted still'];
  const { operation, flavorId, conditions } = lb.status ?? {};
  const uid = lb.metadata.uid!;
  if (isLeftToPeople(cluster, lb)) return [];
  const asked = requestsOf(lb).failover;
  if (flavorId !== undefined && asked !== lb.status?.handledRequests?.failover) return ['a failover was asked for, and is not begun'];
  const there = cluster.amphorae
    .amphorae(uid)
    .map((a) => a.name)
    .sort();
  const found: string[] = [];
  if (operation && !operation.finishedAt)
    found.push(`operation ${operation.number} (${operation.kind} to ${operation.to}) goes on: ${operation.message}`);
  if (lb.status?.observedGeneration !== lb.metadata.generation) found.push('the present generation is not observed');
  const [ready, stalled] = [conditionOf(conditions, 'Ready'), conditionOf(conditions, 'Stalled')];
  const wanted = lb.spec.flavorId ?? flavorId;
  const failedFailover = operation?.kind === 'Failover' && operation.result === 'Failed';
  const mayStall = flavorId === undefined || flavorId !== wanted || failedFailover;
  if (mayStall ? stalled?.status !== 'True' && ready?.status !== 'True' : ready?.status !== 'True')
    found.push(`Ready is ${ready?.status} (${ready?.reason}: ${ready?.message}), Stalled ${stalled?.status}`);
  if (there.join() !== objects.join()) found.push(`Amphora objects ${objects}, amphorae ${there}`);
  if (flavorId === undefined) return [...found, ...(there.length > 0 ? [`no flavor is in force, and there are ${there}`] : [])];
  return [...found, ...inForce(cluster, lb, flavorId)];
}

/** What can't succeed until people change something is tried again and again: that is all the rest it comes to. */
const isLeftToPeople = (cluster: MemoryCluster, lb: LoadBalancer): boolean => isTriedForEver(lb) || isUnknown(cluster, lb);

/** A create that can't succeed is tried again, less and less often: that is its rest. */
function isTriedForEver({ spec, status }: LoadBalancer): boolean {
  const tried = [status?.operation, ...(status?.history ?? [])].some((o) => o?.kind === 'Create' && o.result === 'Failed');
  return status?.flavorId === undefined && spec.flavorId === 'broken' && tried;
}

/** People deleted the flavor in force, and all that knew what it was: they are told to name another. */
function isUnknown({ server, amphoraObjects }: MemoryCluster, { spec, status }: LoadBalancer): boolean {
  const id = status?.flavorId;
  if (id === undefined || (spec.flavorId ?? id) !== id || server.find(flavors, { name: id })) return false;
  const isTold = conditionOf(status?.conditions, 'Ready')?.message.includes(`There is no Flavor ${id}: set flavorId`);
  return isTold === true && amphoraObjects.every((a) => a.spec.flavorId !== id);
}

/** What is amiss with the amphorae of the flavor in force. */
function inForce(cluster: MemoryCluster, lb: LoadBalancer, flavorId: string): string[] {
  const found: string[] = [];
  const uid = lb.metadata.uid!;
  const now = cluster.amphorae.now();
  const amphorae = cluster.amphorae.amphorae(uid);
  const serving = cluster.promises.serving(uid);
  const slots = lb.status?.topology === 'ACTIVE_STANDBY' ? 2 : 1;
  if (amphorae.length !== slots || serving.length !== slots)
    found.push(`${slots} are to serve, ${serving.map((a) => a.name)} do, ${amphorae.map((a) => a.name)} are there`);
  const others = amphorae.filter((a) => a.flavorId !== flavorId).map((a) => a.name);
  if (others.length > 0) found.push(`flavor ${flavorId} is in force, and ${others} are of another`);
  if (slots === 2 && serving.filter((a) => a.backup).length !== 1) found.push('a pair does not have one standby');
  found.push(...saidWrongly(lb, serving));
  const ports = portsOf(lb).sort((a, b) => a - b);
  const open = seen(cluster.amphorae.vip(uid)?.ports ?? { was: [], is: [], at: 0 }, now);
  if (open.join() !== ports.join()) found.push(`the VIP serves ${open}, listeners have ${ports}`);
  for (const { name, loaded } of serving) {
    const configuration = loaded && seen(loaded, now)?.configuration;
    const listens = (configuration?.listeners ?? []).map((l) => l.protocolPort).sort((a, b) => a - b);
    if (listens.join() !== ports.join()) found.push(`${name} listens on ${listens}, listeners have ${ports}`);
    const has = (configuration?.pools ?? []).flatMap((p) => p.servers.map((s) => s.address)).sort();
    const members = [...new Set((lb.spec.pools ?? []).flatMap((p) => (p.members ?? []).map((m) => m.address)))].sort();
    if (ports.length > 0 && has.join() !== members.join()) found.push(`${name} has members ${has}, the spec ${members}`);
  }
  return found;
}

/** What the status says of its amphorae at rest, where that is not what is so. */
function saidWrongly({ status }: LoadBalancer, serving: readonly SimulatedAmphora[]): string[] {
  const word = (lines: readonly Line[]) => lines.map((line) => Object.values(line).join(' ')).sort();
  const said = word((status?.amphorae ?? []).map(({ name, flavorId, traffic, ready }) => ({ name, flavorId, traffic, ready })));
  const traffic = ({ backup }: SimulatedAmphora) => (backup ? 'Standby' : 'Carries');
  const so = word(serving.map((a) => ({ name: a.name, flavorId: a.flavorId, traffic: traffic(a), ready: true })));
  const available = isTrue(status?.conditions, 'Available');
  return [
    ...(said.join() === so.join() ? [] : [`the status says ${said.join(', ') || 'nothing'} of its amphorae, and it is ${so.join(', ')}`]),
    ...(available ? [] : ['Available is not True']),
  ];
}

interface Line {
  name: string;
  flavorId: string;
  traffic: string;
  ready: boolean;
}

/** The operator looks at everything again after 600 s (`--resync-seconds`). */
const RESYNC_MS = 700_000;

/** Time passes until all is at rest, and stays so. Returns what isn't. */
export async function comesToRest(cluster: MemoryCluster, withinMs: number): Promise<string[]> {
  const rested = () => unrest(cluster).length === 0;
  if (!(await cluster.until(rested, withinMs, 5000))) return unrest(cluster).map((what) => `it does not come to rest: ${what}`);
  // What was done last may still have to show: watches are behind by 20 s at most.
  await cluster.pass(40_000);
  const before = cluster.loadBalancer;
  await cluster.pass(60_000);
  const after = cluster.loadBalancer;
  // An act that had begun when its leader stood still takes effect when that wakes up: the new leader sees what came of it at its next look.
  await cluster.until(rested, RESYNC_MS, 5000);
  const restless = unrest(cluster).map((what) => `it does not stay at rest: ${what}`);
  if (after && isLeftToPeople(cluster, after)) return restless;
  if (before?.metadata.resourceVersion !== after?.metadata.resourceVersion)
    restless.push(`the load balancer ${LB.name} is written again and again, though nothing changes`);
  return restless;
}
