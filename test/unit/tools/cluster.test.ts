import { BlockList } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { hierarchies } from '../../../tools/cluster/cgroups.ts';
import { cniConfig, kubeletConfig, kubeProxyConfig } from '../../../tools/cluster/config.ts';
import { debianMirror } from '../../../tools/cluster/images/debian.ts';
import { clusterRange, freeRange, nodeRange, outsideLink } from '../../../tools/cluster/network.ts';
import { countWithoutCluster } from '../../../tools/cluster/obstacle.ts';

describe('the range of a cluster', () => {
  test('is the first that no route touches', () => {
    expect(freeRange(['default', '192.0.2.0/24']).cidr).toBe('10.100.0.0/16');
    expect(freeRange(['10.100.0.0/16', '10.101.7.0/24', '10.102.3.4']).cidr).toBe('10.103.0.0/16');
  });

  test('lies outside a wider route, as that of a VPN', () => {
    expect(freeRange(['10.0.0.0/9']).cidr).toBe('10.128.0.0/16');
  });

  test('is refused in words where all are taken', () => {
    expect(() => freeRange(['10.0.0.0/8'])).toThrow('make cluster-down');
  });

  test('gives each link, each node’s pods and the Services addresses of their own', () => {
    const { host, hub, serviceRange, serviceAddress, outsideRange, outside, insideRange } = clusterRange(107);
    expect([host, hub]).toEqual(['10.107.0.1', '10.107.0.2']);
    const nodes = [1, 2, 62].map((index) => nodeRange(clusterRange(107), index));
    const addresses = [host, hub, ...nodes.flatMap(({ gateway, address }) => [gateway, address])];
    expect(new Set(addresses).size).toBe(addresses.length);
    const links = [1, 2, 62].map((index) => `${outsideLink(107, index).node}/30`);
    const ranges = [serviceRange, outsideRange, outside, links[0]!, '10.107.0.0/24', ...nodes.map(({ podRange }) => podRange)];
    expect(new Set(ranges.map((range) => range.split('.')[2])).size).toBe(ranges.length);
    expect(new Set(links).size).toBe(links.length);
    expect(serviceAddress).toBe('10.107.128.1');
    const inside = new BlockList();
    inside.addSubnet(insideRange.split('/')[0]!, Number(insideRange.split('/')[1]));
    const isInside = (range: string) => inside.check(range.split('/')[0]!);
    expect([...addresses, ...nodes.map(({ podRange }) => podRange)].every(isInside)).toBe(true);
    expect([serviceRange, outsideRange, outside, ...links].some(isInside)).toBe(false);
  });

  test('is told for IPv6 as well where it has both families, with both ends of a link in one network', () => {
    expect(clusterRange(107).ipv6).toBeUndefined();
    const range = clusterRange(107, { dualStack: true });
    expect(range.ipv6).toMatchObject({ cidr: 'fd0a:107::/32', hub: 'fd0a:107::2' });
    expect(nodeRange(range, 4).ipv6).toEqual({ gateway: 'fd0a:107::11', address: 'fd0a:107::12', podRange: 'fd0a:107:0:4::/64' });
  });
});

describe('a node', () => {
  test('has kubelet below control groups of its own, and asks the API server who may', () => {
    const config = kubeletConfig({
      address: '10.100.0.6',
      cgroupRoot: '/reflavor/100-node1',
      caFile: '/c',
      logsDir: '/l',
      pluginsDir: '/p',
    });
    expect(config).toContain('cgroupRoot: /reflavor/100-node1\n');
    expect(config).toContain('mode: Webhook\n');
    expect(config).toContain('anonymous:\n    enabled: false\n');
  });

  test('leaves the connection limits of the machine alone', () => {
    const config = kubeProxyConfig({ kubeconfig: '/k', name: 'node1', clusterCidr: '10.100.0.0/16' });
    expect(config).toContain('maxPerCore: 0\n  tcpEstablishedTimeout: 0s\n  tcpCloseWaitTimeout: 0s\n');
  });

  test('gives its pods addresses of its range, and no way out but itself', () => {
    const [link] = JSON.parse(cniConfig({ podRanges: ['10.100.1.0/24', 'fd0a:100:0:1::/64'], dataDir: '/d' })).plugins;
    expect(link).toMatchObject({
      type: 'ptp',
      ipMasq: false,
      ipam: { ranges: [[{ subnet: '10.100.1.0/24' }], [{ subnet: 'fd0a:100:0:1::/64' }]] },
    });
    expect(link.ipam.routes).toEqual([{ dst: '0.0.0.0/0' }, { dst: '::/0' }]);
  });
});

test('hierarchies of control groups are told by type, whatever the mounts are called', () => {
  const mountinfo = [
    '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
    '32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:4 - cgroup cgroup rw,cpu',
    '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
    '',
  ].join('\n');
  expect(hierarchies(mountinfo)).toEqual([
    { mountPoint: '/sys/fs/cgroup/cpu', version: 1 },
    { mountPoint: '/sys/fs/cgroup/unified', version: 2 },
  ]);
});

describe('the mirror of Debian', () => {
  test('is found in either format of apt’s sources, past others', () => {
    const deb822 = 'Types: deb\nURIs: https://example.org/node\nSuites: x\n\nTypes: deb\nURIs: http://mirror.example/debian\n';
    expect(debianMirror({}, deb822)).toBe('http://mirror.example/debian');
    const list = '# deb http://old.example/debian a main\ndeb [signed-by=/k] http://mirror.example/debian/ bookworm main\n';
    expect(debianMirror({}, list)).toBe('http://mirror.example/debian/');
  });

  test('is the one that is asked for', () => {
    expect(debianMirror({ DEBIAN_MIRROR: 'http://own.example' }, '')).toBe('http://own.example');
  });

  test('is missing in words on another distribution', () => {
    expect(() => debianMirror({}, 'deb http://mirror.example/ubuntu noble main\n')).toThrow('DEBIAN_MIRROR');
  });
});

describe('suites of the cluster that can not run', () => {
  test.each(['true', '1', 'woodpecker'])('fail in CI, which is there to show them: CI=%s', (CI) => {
    expect(countWithoutCluster({ CI })).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  test.each([undefined, '', '0', 'false'])('are skipped elsewhere: CI=%s', (CI) => {
    expect(countWithoutCluster({ CI })).toEqual({ passed: 0, failed: 0, skipped: 1 });
  });
});
