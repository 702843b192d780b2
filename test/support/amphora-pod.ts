import { readdirSync, readFileSync } from 'node:fs';
import type { Pod } from '../../src/provider/amphora/kubernetes/objects.ts';
import type { ClusterScene } from './cluster.ts';

/** Asks HAProxy's master for a line and prints the answer. Debian's slim images, and so HAProxy's own, have this much of perl, and no other client. */
const ask = `use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new('/run/haproxy/master.sock') or die "no master: $!"; print $s "$ARGV[0]\\n"; $s->shutdown(1); print while <$s>;`;

/** What the running HAProxy of an amphora's pod answers to a command of its runtime API. */
export const haproxy = (scene: ClusterScene, pod: string, command: string): Promise<string> =>
  scene.kubectl([`--namespace=${scene.namespace}`, 'exec', pod, '--', 'perl', '-e', ask, `@1 ${command}`]);

/** `show info` of it. */
export async function haproxyInfo(scene: ClusterScene, pod: string): Promise<Record<string, string>> {
  const lines = (await haproxy(scene, pod, 'show info')).split('\n');
  return Object.fromEntries(lines.map((line) => line.split(': ', 2)).filter(([, value]) => value !== undefined)) as Record<string, string>;
}

/** Its workers that the master has started since it runs: one more for each reload. */
export async function haproxyReloads(scene: ClusterScene, pod: string): Promise<number> {
  const answer = await scene.kubectl([`--namespace=${scene.namespace}`, 'exec', pod, '--', 'perl', '-e', ask, 'show proc']);
  return Number(/^\d+\s+master\s+(\d+)/m.exec(answer)?.[1] ?? Number.NaN);
}

/** The pods of a namespace, or those that a selector finds. */
export async function podsOf(
  scene: Pick<ClusterScene, 'kubectl' | 'namespace'>,
  selector = 'app.kubernetes.io/managed-by=reflavor',
): Promise<Pod[]> {
  const text = await scene.kubectl([`--namespace=${scene.namespace}`, 'get', 'pods', `--selector=${selector}`, '--output=json']);
  return (JSON.parse(text) as { items: Pod[] }).items;
}

/** Ids, on this machine, of the processes of a pod that carry this name. For a cluster that runs on this machine. */
export function processesOf({ metadata }: Pod, name: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        const inside = readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`pod${metadata.uid}`);
        return inside && readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name;
      } catch {
        return false; // it has ended meanwhile
      }
    })
    .map(Number);
}
