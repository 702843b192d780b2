/** What freshness.ts runs in a network namespace: the whole stack with its members and its client. The last line it says is the samples. */
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
const slices = 5;
const perSlice = 100;
/** Between two requests: without it, the client and the ways to it would have the cores for themselves. */
const pauseMs = 2;
const ownSlice = 'members-0';
const say = (line: string) => console.error(line);

async function main(samples: number): Promise<void> {
  await withStack(async (bench) => {
    const members = await startMembers();
    const clients = new Agent({ keepAlive: true });
    try {
      const url = await loadBalancer(bench, members.port);
      // The member with the fewest requests is next: those that hold one are passed over for one that holds none.
      for (let i = 0; i < slices * perSlice; i++) hold(url, clients);
      await eventually(() => {
        if (members.held() < slices * perSlice) throw new Error(`${members.held()} members hold a request`);
      });
      say(`${slices * perSlice} members`);
      console.log(JSON.stringify(await measure(bench, url, samples)));
    } finally {
      clients.destroy();
      members.close();
    }
  });
}

async function loadBalancer(bench: BenchStack, port: number): Promise<string> {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'members' },
    spec: { clusterIP: 'None', ports: [{ name: 'http', port }] },
  };
  const lb = new Subject(bench, 'web');
  await lb.apply(service, ...Array.from({ length: slices }, (_, group) => slice(group, port)));
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
    listeners,
    pools: [{ name: 'web', protocol: 'HTTP', lbAlgorithm: 'LEAST_CONNECTIONS', service: { name: 'members', port: 'http' } }],
  });
  await lb.untilAtRest('small');
  return `http://${await lb.host(vipPort)}/`;
}

const slice = (group: number, port: number) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `members-${group}`, labels: { 'kubernetes.io/service-name': 'members' } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port, protocol: 'TCP' }],
  endpoints: endpointsOf(group, perSlice),
});

async function measure({ client, namespace = 'default' }: BenchStack, url: string, samples: number): Promise<Sample[]> {
  const prober = new Prober(url);
  const endpoints = endpointsOf(0, perSlice);
  const write = (...others: object[]) =>
    client.patchMerge<KubeObject>(endpointSlices, { namespace, name: ownSlice }, { endpoints: [...endpoints, ...others] });
  const all: Sample[] = [];
  try {
    for (let i = 0; i < samples; i++) {
      // At no fixed place in the operator's own rhythm.
      await sleep(100 + Math.random() * 200);
      const address = memberAddress(100 + Math.floor(i / 250), 1 + (i % 250));
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

await main(Number(process.argv[2]));
