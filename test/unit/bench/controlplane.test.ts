import { describe, expect, test } from '@jest/globals';
import { balancer, isAtRest, named } from '../../../bench/controlplane/balancers.ts';
import { isEvent, parseCalls, perObject, since, sum } from '../../../bench/controlplane/calls.ts';
import { parseUsage } from '../../../bench/controlplane/usage.ts';
import { type LoadBalancer, LoadBalancerSpec } from '../../../src/api/index.ts';

const metrics = `# TYPE apiserver_request_total counter
apiserver_request_total{code="200",component="apiserver",dry_run="",group="reflavor.dev",resource="loadbalancers",scope="resource",subresource="status",verb="PATCH",version="v1alpha1"} 30
apiserver_request_total{code="409",component="apiserver",dry_run="",group="reflavor.dev",resource="loadbalancers",scope="resource",subresource="status",verb="PATCH",version="v1alpha1"} 2
apiserver_request_total{code="200",component="apiserver",dry_run="",group="reflavor.dev",resource="amphorae",scope="namespace",subresource="",verb="LIST",version="v1alpha1"} 7
apiserver_request_total{code="201",component="apiserver",dry_run="",group="events.k8s.io",resource="events",scope="resource",subresource="",verb="POST",version="v1"} 1e+01
apiserver_request_total{code="200",component="apiserver",dry_run="",group="coordination.k8s.io",resource="leases",scope="resource",subresource="",verb="PUT",version="v1"} 99
apiserver_request_total_other{group="reflavor.dev"} 5
`;

describe('calls', () => {
  test('are read from the metrics of an API server, refused ones too, but not its own', () => {
    expect(Object.fromEntries(parseCalls(metrics))).toEqual({ 'PATCH loadbalancers/status': 32, 'LIST amphorae': 7, 'POST events': 10 });
  });

  test('are those that came on top', () => {
    const before = new Map([
      ['LIST amphorae', 5],
      ['POST events', 10],
    ]);
    const grown = since(before, parseCalls(metrics));
    expect(Object.fromEntries(grown)).toEqual({ 'PATCH loadbalancers/status': 32, 'LIST amphorae': 2 });
    expect(sum(parseCalls(metrics), isEvent)).toBe(10);
    expect(perObject(grown, 4)).toBe('8.00 PATCH loadbalancers/status, 0.50 LIST amphorae');
  });
});

test('a process is read from /proc, whatever its name has in it', () => {
  const stat = `42 (node (a) b) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 11 0 5000 1 1`;
  const status = 'Name:\tnode\nVmPeak:\t  999 kB\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\n';
  expect(parseUsage(stat, status, 100)).toEqual({ cpuSeconds: 3, peakMiB: 200, residentMiB: 100 });
});

describe('balancers of a round', () => {
  test('are as many as asked for, of names of their own, at most 100 a namespace', () => {
    const all = named('r', 250);
    expect(new Set(all.map(({ namespace, name }) => `${namespace}/${name}`)).size).toBe(250);
    expect(all.filter(({ namespace }) => namespace === 'r-0')).toHaveLength(100);
    expect(LoadBalancerSpec.safeParse(balancer(all[0]!, 'small').spec).success).toBe(true);
  });

  const amphora = { name: 'a', flavorId: 'large', role: 'STANDALONE', traffic: 'Carries' as const, ready: true };
  const ready = {
    type: 'Ready',
    status: 'True' as const,
    reason: 'AsSpecified',
    message: '',
    lastTransitionTime: '',
    observedGeneration: 2,
  };
  const status: NonNullable<LoadBalancer['status']> = {
    observedGeneration: 2,
    flavorId: 'large',
    amphorae: [amphora],
    conditions: [ready],
  };
  const metadata = { name: 'web', generation: 2 };

  test('are at rest once the flavor is in force and its amphora alone is left', () => {
    expect(isAtRest({ metadata, status }, 'large')).toBe(true);
  });

  test.each<[string, Partial<NonNullable<LoadBalancer['status']>>, number]>([
    ['the old flavor is in force', { flavorId: 'small' }, 2],
    ['the old amphora is there still', { amphorae: [amphora, { ...amphora, name: 'b' }] }, 2],
    ['an old amphora is the one that is left', { amphorae: [{ ...amphora, flavorId: 'small' }] }, 2],
    ['it is not Ready', { conditions: [{ ...ready, status: 'False' }] }, 2],
    ['what is Ready is an older spec', {}, 3],
  ])('are not while %s', (_, more, generation) => {
    expect(isAtRest({ metadata: { ...metadata, generation }, status: { ...status, ...more } }, 'large')).toBe(false);
  });
});
