/** What freshness.ts runs in a network namespace: the whole stack with so many members and its client. The last line it says is the samples. */
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '../../src/kube/types.ts';
import { endpointSlices } from '../../src/provider/amphora/kubernetes/objects.ts';
import { eventually } from '../../test/support/eventually.ts';
import { httpSpec, Subject } from '../../test/support/subject.ts';
import { freePorts } from '../../tools/ports.ts';
import { type BenchStack, withStack } from '../data-plane/bench-stack.ts';
import { endpointsOf, hold, Prober, startMembers } from './members.ts';
import { memberAddress } from './network.ts';

/** What was measured of one member that came and went, milliseconds. */
export interface Sample {
  /** What the API server took for the write that had the member come. */
  wroteMs: number;
  /** From the API server's answer, which is when it tells its watchers, until the new member answered a client. */
  joinedMs: number;
  /** From there until a member that was taken out got no request any more. */
  leftMs: number;
}

/** As the endpoint controller fills them. */
const perSlice = 100;
/** New members have addresses in groups from here on. */
const newcomers = 100;
/** Between two requests: without it, the client and the ways to it would have the cores for themselves. */
const pauseMs = 2;
/** Takes a connection for each member. */
const flavorId = 'large';
const ownSlice = 'members-0';
const say = (line: string) => console.error(line);

async function main(members: number, samples: number): Promise<void> {
  await withStack(async (bench) => {
    const servers = await startMembers();
    const clients = new Agent({ keepAlive: true });
    try {
      const slices = slicesOf(members);
      const url = await loadBalancer(bench, servers.port, slices);
      await occupy(servers, members, () => hold(url, clients));
      say(`${members} members`);
      console.log(JSON.stringify(await measure(bench, url, slices[0]!, samples)));
    } finally {
      clients.destroy();
      servers.close();
    }
  });
}

/**
 * The member with the fewest requests is next: those that hold one are passed over for one that holds none.
 * HAProxy's threads may choose the same one at the same moment, so that it takes more requests than there are members.
 */
async function occupy(servers: Awaited<ReturnType<typeof startMembers>>, members: number, holdOne: () => void): Promise<void> {
  let asked = 0;
  for (let free = members; free > 0; free = members - servers.holding()) {
    asked += free;
    for (let i = 0; i < free; i++) holdOne();
    await eventually(() => {
      if (servers.held() < asked) throw new Error(`${servers.held()} of ${asked} requests are held`);
    });
  }
}

/** The endpoints of each slice. */
const slicesOf = (members: number) =>
  Array.from({ length: Math.ceil(members / perSlice) }, (_, group) => endpointsOf(group, Math.min(perSlice, members - group * perSlice)));

async function loadBalancer(bench: BenchStack, port: number, slices: readonly object[][]): Promise<string> {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'members' },
    spec: { clusterIP: 'None', ports: [{ name: 'http', port }] },
  };
  const lb = new Subject(bench, 'web');
  await lb.apply(service, ...slices.map((endpoints, group) => slice(group, port, endpoints)));
  const [vipPort] = (await freePorts(1)) as [number];
  const spec = httpSpec({ service: { name: 'members', port: 'http' } }, vipPort);
  const listeners = (spec.listeners as object[]).map((listener) => ({
    ...listener,
    timeoutMemberData: 3_600_000,
    timeoutClientData: 3_600_000,
  }));
  // The algorithm tells the newest member from the others, and no check is in the way of it.
  await lb.create({
    ...spec,
    flavorId,
    listeners,
    pools: [{ name: 'web', protocol: 'HTTP', lbAlgorithm: 'LEAST_CONNECTIONS', service: { name: 'members', port: 'http' } }],
  });
  await lb.untilAtRest(flavorId);
  return `http://${await lb.host(vipPort)}/`;
}

const slice = (group: number, port: number, endpoints: object[]) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `members-${group}`, labels: { 'kubernetes.io/service-name': 'members' } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port, protocol: 'TCP' }],
  endpoints,
});

/** Members come to the first slice, which has these endpoints, and go. */
async function measure(bench: BenchStack, url: string, endpoints: readonly object[], samples: number): Promise<Sample[]> {
  const { client, namespace = 'default' } = bench;
  const prober = new Prober(url);
  const write = (...others: object[]) =>
    client.patchMerge<KubeObject>(endpointSlices, { namespace, name: ownSlice }, { endpoints: [...endpoints, ...others] });
  const all: Sample[] = [];
  try {
    for (let i = 0; i < samples; i++) {
      // At no fixed place in the operator's own rhythm.
      await sleep(100 + Math.random() * 200);
      const address = memberAddress(newcomers + Math.floor(i / 250), 1 + (i % 250));
      const addedAt = performance.now();
      const added = await timed(write({ addresses: [address], conditions: { ready: true } }), () =>
        until(prober, (member) => member === address),
      );
      await sleep(100 + Math.random() * 200);
      const removed = await timed(write(), () => until(prober, (member) => member !== address));
      all.push({ wroteMs: added.writtenAt - addedAt, joinedMs: added.ms, leftMs: removed.ms });
      if (all.length % 50 === 0) say(`${all.length} of ${samples} members came and went`);
    }
    return all;
  } finally {
    prober.close();
  }
}

/** How long after a write was answered something has come about, which may be looked for while it is under way. Milliseconds. */
async function timed(write: Promise<unknown>, cameAbout: () => Promise<number>): Promise<{ writtenAt: number; ms: number }> {
  const [writtenAt, at] = await Promise.all([write.then(() => performance.now()), cameAbout()]);
  return { writtenAt, ms: Math.max(0, at - writtenAt) };
}

/** Asks until the answer comes from a member that is meant; when that was. */
async function until(prober: Prober, isMeant: (member: string) => boolean): Promise<number> {
  const givenUpAt = performance.now() + 30_000;
  while (performance.now() < givenUpAt) {
    if (isMeant(await prober.ask())) return performance.now();
    await sleep(pauseMs);
  }
  throw new Error('no such member within 30 s');
}

const [members, samples] = process.argv.slice(2).map(Number) as [number, number];
await main(members, samples);
