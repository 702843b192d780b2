import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { attachCluster, type Cluster, startCluster, stopCluster } from '../../tools/cluster/cluster.ts';
import { CHART_NAMESPACE } from '../../tools/cluster/install-chart.ts';
import { clusterObstacle } from '../../tools/cluster/obstacle.ts';
import { run } from '../../tools/cluster/run.ts';
import { eventually } from '../support/eventually.ts';
import { describeUnless, nodesElsewhere } from '../support/unless.ts';

const root = join(import.meta.dirname, '../..');

describeUnless(nodesElsewhere ?? clusterObstacle(), 'a cluster on this machine', () => {
  let dir: string;
  let cluster: Cluster;
  let before: Record<string, unknown>;
  let id: number;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'reflavor-own-cluster-'));
    before = await surroundings();
    cluster = await startCluster({ dir, nodeMonitorGraceSeconds: 16 });
    ({ id } = cluster.range);
    await cluster.kubectl(['apply', '--filename=-'], { input: JSON.stringify(web) });
    await cluster.kubectl(['wait', 'deployment/web', '--for=condition=Available', '--timeout=60s']);
  }, 300_000);
  afterAll(async () => {
    await cluster?.stop();
    await rm(dir, { recursive: true, force: true });
  }, 60_000);

  const readiness = async () => {
    const jsonpath = '{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}';
    return (await cluster.kubectl(['get', 'nodes', `--output=jsonpath=${jsonpath}`])).trim();
  };
  const podNodes = async () =>
    (await cluster.kubectl(['get', 'pods', '--selector=app=web', '--output=jsonpath={.items[*].spec.nodeName}'])).split(' ').sort();
  const get = async (url: string) => (await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(2_000) })).text();
  /** The names of all pods that answer behind the Service. */
  const answers = async (how: (url: string) => Promise<string>) => {
    const address = await cluster.kubectl(['get', 'service', 'web', '--output=jsonpath={.spec.clusterIP}']);
    const names = new Set<string>();
    await eventually(async () => {
      names.add((await how(`http://${address}/`)).trim());
      expect(names.size).toBe(2);
    });
    return [...names].sort();
  };

  test('has two nodes that are ready, with a pod on each', async () => {
    expect(await readiness()).toBe('node1=True node2=True');
    expect(await podNodes()).toEqual(['node1', 'node2']);
  });

  test('has Services that reach the pods of both nodes, from this machine and from each node', async () => {
    const pods = (await cluster.kubectl(['get', 'pods', '--selector=app=web', '--output=jsonpath={.items[*].metadata.name}']))
      .split(' ')
      .sort();
    expect(await answers(get)).toEqual(pods);
    const fetching = (url: string) => `fetch('${url}').then(async (response) => console.log(await response.text()))`;
    for (const { netns } of cluster.nodes)
      expect(await answers((url) => run('nsenter', [`--net=${netns}`, process.execPath, '--eval', fetching(url)]))).toEqual(pods);
  });

  test('lets nothing out', async () => {
    for (const { netns } of cluster.nodes) {
      const routes = await run('nsenter', [`--net=${netns}`, 'ip', 'route', 'show']);
      expect(routes).not.toContain('default');
    }
  });

  test('is joined by whoever asks for it', async () => {
    expect((await attachCluster(dir))?.nodes).toEqual(cluster.nodes);
    expect((await startCluster({ dir })).nodes).toEqual(cluster.nodes);
  });

  test('loses a node that is cut off, and has it back', async () => {
    await cluster.cutOff('node2');
    await eventually(async () => expect(await readiness()).toBe('node1=True node2=Unknown'), { withinMs: 60_000, everyMs: 500 });
    // The way in and the pods of the other node are still there.
    const ofNode1 = ['--selector=app=web', '--field-selector=spec.nodeName=node1', '--output=jsonpath={.items[0].status.podIP}'];
    expect(await get(`http://${await cluster.kubectl(['get', 'pods', ...ofNode1])}/`)).toMatch(/^web-/);
    await cluster.rejoin('node2');
    await eventually(async () => expect(await readiness()).toBe('node1=True node2=True'), { withinMs: 60_000, everyMs: 500 });
    expect(await answers(get)).toHaveLength(2);
  }, 200_000);

  test('names its nodes where one is asked for that it has not', async () => {
    expect(() => cluster.cutOff('node9')).toThrow('node1, node2');
  });

  test('changes nothing of this machine but what is seen to be its own', async () => {
    expect(await presence(dir, id)).toMatchObject({ interfaces: true, routes: true, cgroups: true });
    expect((await presence(dir, id)).processes.length).toBeGreaterThan(10);
    expect(await surroundings()).toEqual(before);
  });

  test('leaves nothing when it is ended', async () => {
    await cluster.stop();
    expect(await attachCluster(dir)).toBeUndefined();
    expect(readdirSync(dir)).toEqual(['logs']);
    // Of processes that were killed a busy kernel may take a moment to clear the last one away.
    await eventually(async () =>
      expect(await presence(dir, id)).toEqual({ processes: [], interfaces: false, routes: false, cgroups: false }),
    );
    expect(await surroundings()).toEqual(before);
  }, 60_000);
});

describeUnless(nodesElsewhere ?? clusterObstacle(), 'what make cluster starts', () => {
  /** A checkout like this one: whoever works in this one may have a cluster of it running. */
  let checkout: string;
  const dir = () => join(checkout, '.reflavor/cluster');
  const program = (name: string) => run(process.execPath, [join(checkout, 'tools/cluster', name)], { cwd: checkout });

  beforeAll(async () => {
    checkout = await mkdtemp(join(tmpdir(), 'reflavor-checkout-'));
    const others = new Set(['node_modules', 'dist', '.reflavor', '.git'].map((name) => join(root, name)));
    await cp(root, checkout, { recursive: true, filter: (path) => !others.has(path) });
    await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'));
  });
  afterAll(async () => {
    await stopCluster(dir());
    await rm(checkout, { recursive: true, force: true });
  }, 60_000);

  test('outlives the program that started it, with the operator ready, and make cluster-down leaves the machine as it was', async () => {
    const before = await surroundings();
    expect(await program('up.ts')).toContain('make cluster-down ends it');
    const cluster = (await attachCluster(dir()))!;
    const { id } = cluster.range;
    await cluster.kubectl(['wait', 'deployment', '--all', `--namespace=${CHART_NAMESPACE}`, '--for=condition=Available', '--timeout=60s']);
    const present = await presence(checkout, id);
    expect(present).toMatchObject({ interfaces: true, routes: true, cgroups: true });
    expect(present.processes.length).toBeGreaterThan(10);

    expect(await program('down.ts')).toContain('everything that make cluster started has ended');
    expect(existsSync(dir())).toBe(false);
    await eventually(async () =>
      expect(await presence(checkout, id)).toEqual({ processes: [], interfaces: false, routes: false, cgroups: false }),
    );
    expect(await surroundings()).toEqual(before);
    expect(await program('down.ts')).toContain('nothing ran');
  }, 300_000);
});

/** What a cluster of this folder and range has on this machine, outside its folder. */
async function presence(dir: string, id: number) {
  const names = (path: string) => (existsSync(path) ? readdirSync(path) : []);
  const commandLines = names('/proc').flatMap((entry) => {
    try {
      return /^\d+$/.test(entry) && Number(entry) !== process.pid ? [readFileSync(`/proc/${entry}/cmdline`, 'utf8')] : [];
    } catch {
      return [];
    }
  });
  const groups = names('/sys/fs/cgroup').flatMap((hierarchy) => names(`/sys/fs/cgroup/${hierarchy}/reflavor`));
  return {
    processes: commandLines.filter((line) => line.includes(dir)).map((line) => line.replaceAll('\0', ' ').slice(0, 200)),
    interfaces: names('/sys/class/net').includes(`reflavor${id}`),
    routes: (await run('ip', ['route', 'show', 'table', 'all'])).includes(`10.${id}.`),
    cgroups: groups.some((group) => group.startsWith(`${id}-`)),
  };
}

/** What of this machine could be seen to have changed; every cluster leaves it alone, also while it runs. */
async function surroundings(): Promise<Record<string, unknown>> {
  const names = (path: string) => (existsSync(path) ? readdirSync(path).sort() : []);
  const file = (path: string) => readFileSync(path, 'utf8').trim();
  return {
    mounts: file('/proc/self/mountinfo').split('\n').length,
    namespaces: names('/run/netns'),
    rules: (await run('iptables-save', ['-t', 'nat'])).split('\n').filter((line) => line.startsWith('-A')),
    folders: ['/run', '/var/lib', '/var/log', '/etc/cni', '/opt', '/usr/libexec'].map(names),
    tunables: ['vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops', 'net/ipv4/ip_forward'].map((path) =>
      file(`/proc/sys/${path}`),
    ),
  };
}

const labels = { app: 'web' };
const web = {
  apiVersion: 'v1',
  kind: 'List',
  items: [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'web' },
      data: {
        'haproxy.cfg': [
          'defaults',
          '  mode http',
          '  timeout client 5s',
          'frontend web',
          '  bind :80',
          '  http-request return status 200 content-type text/plain lf-string %[env(HOSTNAME)]',
          '',
        ].join('\n'),
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            topologySpreadConstraints: [
              {
                maxSkew: 1,
                topologyKey: 'kubernetes.io/hostname',
                whenUnsatisfiable: 'DoNotSchedule',
                labelSelector: { matchLabels: labels },
              },
            ],
            securityContext: { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] },
            containers: [
              {
                name: 'haproxy',
                image: 'docker.io/library/haproxy:3.0',
                command: ['haproxy', '-W', '-db', '-f', '/etc/web/haproxy.cfg'],
                readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1 },
                volumeMounts: [{ name: 'web', mountPath: '/etc/web' }],
              },
            ],
            volumes: [{ name: 'web', configMap: { name: 'web' } }],
          },
        },
      },
    },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { selector: labels, ports: [{ port: 80 }] } },
  ],
};
