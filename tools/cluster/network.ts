/**
 * The network of a cluster: a hub, which the control plane is in, a link from it to each node, and one to this machine. All of it is one
 * 10.X.0.0/16, and one fd0a:X::/32 where there are both families; nothing has a route to anywhere else.
 */
import { run } from './run.ts';

/** Addresses of a cluster, of one family. */
export interface FamilyRange {
  /** All of them: links, pods and Services. */
  cidr: string;
  /** Of the nodes, of this machine and of all pods; kube-proxy takes whoever has another one for a client from outside. */
  insideRange: string;
  /** This machine's end of its link with the hub. */
  host: string;
  /** The hub's; the API server is there. */
  hub: string;
  serviceRange: string;
}

export interface ClusterRange extends FamilyRange {
  /** Tells clusters of this machine apart: the second part of their addresses. */
  id: number;
  /** Of the Service `kubernetes`. */
  serviceAddress: string;
  /** A /24 of which nobody gives out anything: for a load balancer's outside addresses. */
  outsideRange: string;
  /** Of a cluster that has both families. */
  ipv6?: FamilyRange;
  /** Of the clients of these. */
  outside: string;
}

/** Addresses of a node, of one family. */
export interface NodeFamilyRange {
  /** The hub's end of its link with this node. */
  gateway: string;
  /** The node's end, its InternalIP. */
  address: string;
  podRange: string;
}

export interface NodeRange extends NodeFamilyRange {
  ipv6?: NodeFamilyRange;
}

export function clusterRange(id: number, { dualStack = false } = {}): ClusterRange {
  const [prefix, prefix6] = [`10.${id}`, `fd0a:${id}`];
  return {
    id,
    cidr: `${prefix}.0.0/16`,
    insideRange: `${prefix}.0.0/18`,
    host: `${prefix}.0.1`,
    hub: `${prefix}.0.2`,
    serviceRange: `${prefix}.128.0/20`,
    serviceAddress: `${prefix}.128.1`,
    outsideRange: `${prefix}.200.0/24`,
    outside: `${prefix}.202.1`,
    ...(dualStack && {
      ipv6: {
        cidr: `${prefix6}::/32`,
        insideRange: `${prefix6}::/32`,
        host: `${prefix6}::1`,
        hub: `${prefix6}::2`,
        serviceRange: `${prefix6}:0:ffff::/112`,
      },
    }),
  };
}

/** Of the first node, which has `index` 1, to the 62nd. */
export function nodeRange({ id, ipv6 }: ClusterRange, index: number): NodeRange {
  const [gateway, address] = [4 * index + 1, 4 * index + 2];
  const hex = (number: number) => number.toString(16);
  return {
    gateway: `10.${id}.0.${gateway}`,
    address: `10.${id}.0.${address}`,
    podRange: `10.${id}.${index}.0/24`,
    ...(ipv6 && {
      ipv6: { gateway: `fd0a:${id}::${hex(gateway)}`, address: `fd0a:${id}::${hex(address)}`, podRange: `fd0a:${id}:0:${hex(index)}::/64` },
    }),
  };
}

/** A range and that of its other family, if it has one. */
export function familiesOf<T extends object>(range: T & { ipv6?: T }): T[] {
  return range.ipv6 ? [range, range.ipv6] : [range];
}

/** As wide as a link of two. */
function onLink(address: string): string[] {
  // Nobody else is there who could have the address.
  return address.includes(':') ? [`${address}/126`, 'nodad'] : [`${address}/30`];
}

/** The link of a node with a machine outside the cluster: that machine's end and the node's. */
export function outsideLink(id: number, index: number): { outside: string; node: string } {
  return { outside: `10.${id}.201.${4 * index + 1}`, node: `10.${id}.201.${4 * index + 2}` };
}

/**
 * The first of 10.100.0.0/16 to 10.199.0.0/16 that no route of this machine touches, besides the default one.
 * @throws where all are taken
 */
export function freeRange(destinations: readonly string[]): ClusterRange {
  const taken = destinations.filter((destination) => destination !== 'default').map(blockOf);
  for (let id = 100; id < 200; id++) {
    const wanted = blockOf(clusterRange(id).cidr);
    if (!taken.some((block) => block.first <= wanted.last && wanted.first <= block.last)) return clusterRange(id);
  }
  throw new Error(
    'no 10.X.0.0/16 between 10.100 and 10.199 is free of routes; `make cluster-down` ends a cluster that is no longer needed',
  );
}

function blockOf(cidr: string): { first: number; last: number } {
  const [address, length = '32'] = cidr.split('/') as [string, string?];
  const number = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const size = 2 ** (32 - Number(length));
  const first = number - (number % size);
  return { first, last: first + size - 1 };
}

/** Destinations of this machine's IPv4 routes, in all tables. */
export async function routeDestinations(): Promise<string[]> {
  const routes = JSON.parse(await run('ip', ['-json', '-4', 'route', 'show', 'table', 'all'])) as { dst: string }[];
  return routes.map(({ dst }) => dst);
}

/** Forwards for others, and answers itself. */
export async function openNamespace(netns: string, { ipv6 }: Pick<ClusterRange, 'ipv6'> = {}): Promise<void> {
  await inside(netns, 'ip', 'link', 'set', 'lo', 'up');
  for (const key of ['ipv4/ip_forward', ...(ipv6 ? ['ipv6/conf/all/forwarding'] : [])])
    await inside(netns, 'sh', '-c', `echo 1 > /proc/sys/net/${key}`);
}

/** Links this machine with the hub; the range of the cluster is reached through it. */
export async function linkHost(range: ClusterRange, hub: { netns: string; pid: number }): Promise<void> {
  const link = hostLink(range);
  await run('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', 'host', 'netns', String(hub.pid)]);
  await run('ip', ['link', 'set', link, 'up']);
  await inside(hub.netns, 'ip', 'link', 'set', 'host', 'up');
  for (const family of familiesOf<FamilyRange>(range)) {
    await run('ip', ['address', 'add', ...onLink(family.host), 'dev', link]);
    await inside(hub.netns, 'ip', 'address', 'add', ...onLink(family.hub), 'dev', 'host');
    await run('ip', ['route', 'add', family.cidr, 'via', family.hub, 'dev', link]);
  }
}

/** Takes away what {@link linkHost} made here, if it is there; the route goes with it. */
export async function unlinkHost(range: ClusterRange): Promise<void> {
  const links = JSON.parse(await run('ip', ['-json', 'link', 'show'])) as { ifname: string }[];
  if (links.some(({ ifname }) => ifname === hostLink(range))) await run('ip', ['link', 'delete', hostLink(range)]);
}

function hostLink({ id }: ClusterRange): string {
  return `reflavor${id}`;
}

export interface LinkedNode {
  name: string;
  netns: string;
  pid: number;
  range: NodeRange;
}

/** Links a node with the hub, through which it reaches everything. */
export async function linkNode(range: ClusterRange, hubNetns: string, node: LinkedNode): Promise<void> {
  await inside(hubNetns, 'ip', 'link', 'add', node.name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(node.pid));
  await inside(node.netns, 'ip', 'link', 'set', 'eth0', 'up');
  await joinNode(hubNetns, node);
  for (const [index, { cidr }] of familiesOf<FamilyRange>(range).entries()) {
    const { gateway, address } = familiesOf<NodeFamilyRange>(node.range)[index]!;
    await inside(node.netns, 'ip', 'address', 'add', ...onLink(address), 'dev', 'eth0');
    await inside(node.netns, 'ip', 'route', 'add', cidr, 'via', gateway);
  }
}

/** Connects what {@link partNode} parted. */
export async function joinNode(hubNetns: string, node: LinkedNode): Promise<void> {
  await inside(hubNetns, 'ip', 'link', 'set', node.name, 'up');
  for (const { gateway, address, podRange } of familiesOf<NodeFamilyRange>(node.range)) {
    // A link that was down has lost those of IPv6.
    await inside(hubNetns, 'ip', 'address', 'replace', ...onLink(gateway), 'dev', node.name);
    await inside(hubNetns, 'ip', 'route', 'replace', podRange, 'via', address);
  }
}

/** Nothing gets to the node or comes from it any more; inside, all goes on. */
export async function partNode(hubNetns: string, node: LinkedNode): Promise<void> {
  await inside(hubNetns, 'ip', 'link', 'set', node.name, 'down');
}

/** Runs a command in the network of a machine. */
export function inside(netns: string, ...command: string[]): Promise<string> {
  return run('nsenter', [`--net=${netns}`, ...command]);
}
