/** Requests that an API server has answered, by what they were, such as `PATCH amphorae` or `APPLY loadbalancers/status`. */
export type Calls = Map<string, number>;

/** The groups that an operator writes to; what the API server asks of itself is in others. */
const GROUPS = new Set(['reflavor.dev', 'events.k8s.io']);

/** Reads `apiserver_request_total` of an API server's /metrics. */
export function parseCalls(metrics: string): Calls {
  const calls: Calls = new Map();
  for (const [, labels = '', value] of metrics.matchAll(/^apiserver_request_total\{(.*)\} (\S+)$/gm)) {
    const {
      group = '',
      verb,
      resource,
      subresource,
    } = Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, text]) => [name, text])) as Record<string, string>;
    if (!GROUPS.has(group)) continue;
    const what = `${verb} ${resource}${subresource ? `/${subresource}` : ''}`;
    calls.set(what, (calls.get(what) ?? 0) + Number(value));
  }
  return calls;
}

/** What came on top of `before`; nothing that didn't. */
export function since(before: Calls, after: Calls): Calls {
  const grown = [...after].map(([what, count]): [string, number] => [what, count - (before.get(what) ?? 0)]);
  return new Map(grown.filter(([, count]) => count !== 0));
}

export const READS = new Set(['GET', 'LIST', 'WATCH']);
export const verbOf = (what: string): string => what.split(' ')[0]!;
export const isEvent = (what: string): boolean => what.endsWith(' events');

/** How many there are of those that pass. */
export const sum = (calls: Calls, passes: (what: string) => boolean = () => true): number =>
  [...calls].reduce((total, [what, count]) => total + (passes(what) ? count : 0), 0);

/** For people: `2.00 PATCH amphorae, 1.00 POST amphorae`, each for one of `objects`, the most frequent first. */
export function perObject(calls: Calls, objects: number, passes: (what: string) => boolean = () => true): string {
  const chosen = [...calls].filter(([what]) => passes(what)).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return chosen.map(([what, count]) => `${(count / objects).toFixed(2)} ${what}`).join(', ');
}
