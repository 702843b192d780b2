import type { Flavor, FlavorProfile, LoadBalancer } from '../../sdk/index.ts';
import { operationsOf } from '../../sdk/outcome.ts';
import { secondsBetween } from '../../sdk/progress.ts';
import { ago, shortDuration } from '../durations.ts';
import { table } from './table.ts';

interface TableOptions {
  /** Milliseconds since the epoch. */
  now: number;
  /** Objects are of several namespaces: tell which. */
  namespaces?: boolean;
}

/** `kubectl lb list`. */
export function loadBalancerTable(loadBalancers: LoadBalancer[], { now, namespaces = false }: TableOptions): string[] {
  const header = ['NAME', 'FLAVOR', 'WANTED', 'PROVISIONING', 'OPERATING', 'VIP', 'RESIZE', 'AGE'];
  const rows = loadBalancers.map(({ metadata, spec, status }) => [
    metadata.name,
    status?.flavorId,
    spec.flavorId,
    status?.provisioningStatus,
    status?.operatingStatus,
    status?.vipAddress,
    status?.resize,
    ago(metadata.creationTimestamp, now),
  ]);
  return named(header, rows, loadBalancers, namespaces);
}

/** `kubectl lb flavors`. What a user may not read of the profiles stays empty. */
export function flavorTable(flavors: Flavor[], profiles: FlavorProfile[]): string[] {
  const header = ['NAME', 'ENABLED', 'TOPOLOGY', 'PROVIDER', 'CPU', 'MEMORY', 'THREADS', 'CONNECTIONS', 'IMAGE', 'DESCRIPTION'];
  const rows = flavors.map(({ metadata, spec, status }) => {
    const data = profiles.find((profile) => profile.metadata.name === spec.flavorProfile)?.spec.flavorData;
    return [
      metadata.name,
      String(spec.enabled !== false),
      status?.loadbalancerTopology,
      status?.provider,
      data?.compute?.cpu,
      data?.compute?.memory,
      data?.threads?.toString(),
      data?.maxConnections?.toString(),
      data?.ampImageTag,
      spec.description,
    ];
  });
  return table(header, rows);
}

/** `kubectl lb history`: operations, the newest first. */
export function historyTable(loadBalancers: LoadBalancer[], { now, namespaces = false }: TableOptions): string[] {
  const header = ['NAME', 'NUMBER', 'KIND', 'FROM', 'TO', 'RESULT', 'REASON', 'PROGRESS', 'TOOK', 'STARTED', 'MESSAGE'];
  const owners: LoadBalancer[] = [];
  const rows = loadBalancers.flatMap((loadBalancer) =>
    operationsOf(loadBalancer).map((operation) => {
      owners.push(loadBalancer);
      const { number, kind, from, to, result, finishedAt, reason, progress, startedAt, message } = operation;
      return [
        loadBalancer.metadata.name,
        String(number),
        kind,
        from,
        to,
        finishedAt ? result : result ? 'GoingBack' : 'Running',
        reason,
        progress,
        shortDuration(secondsBetween(startedAt, finishedAt ?? new Date(now).toISOString())),
        `${ago(startedAt, now)} ago`,
        message?.split('\n')[0],
      ];
    }),
  );
  return named(header, rows, owners, namespaces);
}

function named(header: string[], rows: (string | undefined)[][], objects: LoadBalancer[], namespaces: boolean): string[] {
  if (!namespaces) return table(header, rows);
  return table(
    ['NAMESPACE', ...header],
    rows.map((row, index) => [objects[index]!.metadata.namespace, ...row]),
  );
}
