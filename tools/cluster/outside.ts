/** What stands outside a cluster: the clients of its Services of type LoadBalancer, and the way that connections to such an address take. */
import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, isRunning, logTail, startProcess } from '../processes.ts';
import type { Cluster } from './cluster.ts';
import { inside, openNamespace, outsideLink } from './network.ts';

/** A machine that is linked with each node and is none. */
export interface Outside {
  /** A file for `nsenter --net=`. */
  netns: string;
  /** Has connections to an address go to these nodes, spread over them, and to no others. So a router does that MetalLB or a cloud tells of it. */
  route(address: string, nodes: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** Starts one. It ends with this process, and its links with it. @throws with its log where it can't be made */
export async function startOutside(cluster: Pick<Cluster, 'dir' | 'nodes' | 'range'>): Promise<Outside> {
  const logFile = join(cluster.dir, 'logs/outside.log');
  const holder = await startProcess({ name: 'outside', command: 'unshare', args: ['--net', 'sleep', 'infinity'], logFile });
  const netns = `/proc/${holder.pid}/ns/net`;
  while (readlinkSync(netns) === readlinkSync('/proc/self/ns/net')) {
    if (!isRunning(holder)) throw new Error(`the network outside the cluster can't be made\n${logTail(logFile)}`);
    await sleep(10);
  }
  await openNamespace(netns);
  // A connection keeps its way by its ports; by addresses alone, all would take the same.
  await inside(netns, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/fib_multipath_hash_policy');
  const { id, outside } = cluster.range;
  // One address on all ways: which of them a connection takes is decided after its source address.
  await inside(netns, 'ip', 'address', 'add', `${outside}/32`, 'dev', 'lo');
  const links = cluster.nodes.map((node, at) => ({ ...node, link: outsideLink(id, at + 1) }));
  for (const { name, pid, netns: nodeNetns, link } of links) {
    await inside(netns, 'ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'outside', 'netns', String(pid));
    await inside(netns, 'ip', 'address', 'add', `${link.outside}/30`, 'dev', name);
    await inside(netns, 'ip', 'link', 'set', name, 'up');
    await inside(nodeNetns, 'ip', 'address', 'add', `${link.node}/30`, 'dev', 'outside');
    await inside(nodeNetns, 'ip', 'link', 'set', 'outside', 'up');
    await inside(nodeNetns, 'ip', 'route', 'add', outside, 'via', link.outside);
  }
  return {
    netns,
    async route(address, nodes) {
      const hops = links.filter(({ name }) => nodes.includes(name)).flatMap(({ link }) => ['nexthop', 'via', link.node]);
      await inside(netns, 'ip', 'route', 'replace', address, 'src', outside, ...hops);
    },
    stop: () => endProcess(holder),
  };
}
