/** How long clients get no answer on a cluster when the active half of a pair ends or hangs: kubelet, endpoint controller and kube-proxy make the change. */
import { conditionOf } from '../../src/api/index.ts';
import { podsOf, processesOf } from '../../test/support/amphora-pod.ts';
import { eventually } from '../../test/support/eventually.ts';
import { Subject } from '../../test/support/subject.ts';
import { startTrafficPod } from '../../tools/traffic/pods/traffic.ts';
import type { TrafficCounts } from '../../tools/traffic/tally.ts';
import type { Figure } from '../benchmark.ts';
import { median, rounded } from '../numbers.ts';
import { HAPROXY_PORT } from './haproxy-pod.ts';
import type { ClusterScene } from './scene.ts';

const rate = 100;

export async function lostHalf(scene: ClusterScene, rounds: number, log: (line: string) => void): Promise<Figure[]> {
  const lb = new Subject(scene, 'pair');
  await lb.create({
    flavorId: 'small-ha',
    listeners: [{ name: 'web', protocol: 'HTTP', protocolPort: HAPROXY_PORT, defaultPool: 'web' }],
    pools: [{ name: 'web', protocol: 'HTTP', service: scene.members.service }],
  });
  const { status } = await lb.untilAtRest('small-ha', 2);
  const figures: Figure[] = [];
  for (const [what, signal] of [
    ['the active half of a pair is killed', 'SIGKILL'],
    ['the active half of a pair hangs', 'SIGSTOP'],
  ] as const) {
    const all: TrafficCounts[] = [];
    for (let round = 0; round < rounds; round++) {
      // Each gives its request up after a second, and comes again.
      const url = `http://${status!.vipAddress!}:${HAPROXY_PORT}/`;
      const traffic = await startTrafficPod(scene.place, { url, newConnections: 8, rate, timeoutMs: 1000 });
      await traffic.waitFor(rate);
      await strike(scene, lb, signal);
      const before = traffic.counts();
      await traffic.waitFor((now) => now.requests - now.failed >= before.requests - before.failed + 5 * rate);
      all.push(await traffic.stop());
      log(`${what}, ${round + 1} of ${rounds}`);
    }
    const failed = all.reduce((sum, counts) => sum + counts.failed, 0);
    const requests = all.reduce((sum, counts) => sum + counts.requests, 0);
    figures.push({
      name: `${what}: the longest time without an answer`,
      measured: Math.round(median(all.map(({ longestGapMs }) => longestGapMs))),
      unit: 'ms',
      note: `${failed} of ${rounded(requests)} requests failed, at ${rate} a second`,
    });
  }
  await lb.kubectl(['delete', 'lb', lb.name, '--timeout=60s']);
  return figures;
}

/** Ends or stops HAProxy in the active half's pod, once both halves are well. */
async function strike(scene: ClusterScene, lb: Subject, signal: NodeJS.Signals): Promise<void> {
  const active = await eventually(
    async () => {
      const amphorae = await lb.amphorae();
      const ready = amphorae.filter(({ status }) => conditionOf(status?.conditions, 'Ready')?.status === 'True');
      const [pod] = await podsOf(scene, `reflavor.dev/amphora=${ready.find(({ spec }) => spec.role === 'MASTER')?.metadata.name}`);
      const isReady = pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
      if (ready.length < 2 || !isReady) throw new Error('the pair is not whole');
      return pod!;
    },
    { withinMs: 60_000, everyMs: 200 },
  );
  const pids = processesOf(active, 'haproxy');
  if (pids.length < 2) throw new Error(`master and worker of pod ${active.metadata.name} are not to be found`);
  for (const pid of pids) process.kill(pid, signal);
}
