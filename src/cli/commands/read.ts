import { setTimeout as sleep } from 'node:timers/promises';
import { Amphora, ApiError, type Client, Flavor, FlavorProfile, LoadBalancer, NotFound } from '../../sdk/index.ts';
import { operationsOf } from '../../sdk/outcome.ts';
import { read } from '../../sdk/versions.ts';
import { type Cluster, type ClusterOptions, clusterOf } from '../cluster.ts';
import { EXIT_CODES, UsageError } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { formatted, listOf, type OutputFormat } from '../output.ts';
import { Screen } from '../screen.ts';
import { flavorTable, historyTable, loadBalancerTable } from '../views/lists.ts';
import { statusTree } from '../views/status.ts';
import { nameOf } from './act.ts';

/** Flags of what only reads. */
export interface ReadFlags extends ClusterOptions {
  output?: OutputFormat;
  allNamespaces?: boolean;
}

export interface StatusFlags extends ReadFlags {
  watch?: boolean;
}

/** `kubectl lb list`. Resolves to the exit code. */
export async function listCommand(io: Io, flags: ReadFlags): Promise<number> {
  const found = await loadBalancers(io, clusterOf(flags, io.env), undefined, flags);
  if (flags.output) io.print(formatted(listOf(found), flags.output));
  else if (found.length === 0) io.complain(`No load balancers found${flags.allNamespaces ? '' : ' in this namespace; -A looks in all'}.`);
  else io.print(...loadBalancerTable(found, { now: Date.now(), namespaces: flags.allNamespaces }));
  return EXIT_CODES.done.code;
}

/** `kubectl lb flavors`. */
export async function flavorsCommand(io: Io, flags: ReadFlags): Promise<number> {
  const { client } = clusterOf(flags, io.env);
  const flavors = await client.list(Flavor, { signal: io.signal });
  if (flags.output) io.print(formatted(listOf(flavors), flags.output));
  else io.print(...flavorTable(flavors, await readable(client.list(FlavorProfile, { signal: io.signal }))));
  return EXIT_CODES.done.code;
}

/** `kubectl lb history`. */
export async function historyCommand(io: Io, name: string | undefined, flags: ReadFlags): Promise<number> {
  const found = await loadBalancers(io, clusterOf(flags, io.env), name, flags);
  if (flags.output) io.print(formatted(listOf(found.flatMap(operationsOf)), flags.output));
  else io.print(...historyTable(found, { now: Date.now(), namespaces: flags.allNamespaces }));
  return EXIT_CODES.done.code;
}

/** `kubectl lb status`: once, or until interrupted. */
export async function statusCommand(io: Io, name: string | undefined, flags: StatusFlags): Promise<number> {
  if (flags.watch && flags.output)
    throw new UsageError(`--watch draws a tree: leave -o out, or use kubectl get lb -o ${flags.output} --watch`);
  const cluster = clusterOf(flags, io.env);
  const { client } = cluster;
  if (!flags.watch) {
    const found = await loadBalancers(io, cluster, name, flags);
    if (flags.output) io.print(formatted(name && !flags.allNamespaces ? found[0] : listOf(found), flags.output));
    else io.print(...(await trees(io, client, found)));
    return EXIT_CODES.done.code;
  }
  const screen = new Screen(io);
  let lastHeard = performance.now();
  for (;;) {
    try {
      screen.show(await trees(io, client, await loadBalancers(io, cluster, name, flags)));
      lastHeard = performance.now();
    } catch (error) {
      io.signal.throwIfAborted();
      if (!(error instanceof ApiError && error.isTransient) || performance.now() - lastHeard > OUTAGE_MS) throw error;
    }
    await sleep(LOOK_MS, undefined, { signal: io.signal }).catch(() => io.signal.throwIfAborted());
  }
}

/** How often a watched status is looked at, and how long the API server may be away meanwhile; milliseconds. */
const LOOK_MS = 1000;
const OUTAGE_MS = 120_000;

/** @throws NotFound when a load balancer is named that is not there */
async function loadBalancers(
  { signal }: Io,
  { client, namespace }: Cluster,
  name: string | undefined,
  flags: ReadFlags,
): Promise<LoadBalancer[]> {
  if (name && !flags.allNamespaces) return [await read(client, { name: nameOf(name), namespace }, { signal })];
  const found = await client.list(LoadBalancer, { namespace: flags.allNamespaces ? undefined : namespace, signal });
  if (!name) return found;
  const named = found.filter(({ metadata }) => metadata.name === nameOf(name));
  if (named.length === 0) throw new NotFound('NotFound', `no namespace has a load balancer ${nameOf(name)}`);
  return named;
}

async function trees(io: Io, client: Client, found: LoadBalancer[]): Promise<string[]> {
  const namespaces = [...new Set(found.map(({ metadata }) => metadata.namespace))];
  const lists = await Promise.all(namespaces.map((namespace) => readable(client.list(Amphora, { namespace, signal: io.signal }))));
  return found.flatMap((loadBalancer) => {
    const amphorae = lists.flat().filter(({ spec }) => spec.loadBalancer.uid === loadBalancer.metadata.uid);
    return statusTree({ loadBalancer, amphorae, now: Date.now(), paint: io.paint });
  });
}

/** Nothing where the user may not read it: less is shown then. */
async function readable<T>(list: Promise<T[]>): Promise<T[]> {
  try {
    return await list;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return [];
    throw error;
  }
}
