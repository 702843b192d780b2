import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { findBinaries } from '../../binaries.ts';
import { Reports, type TrafficReport } from '../reports.ts';
import type { TrafficOptions } from '../settings.ts';
import type { Traffic } from '../traffic.ts';
import { followReports } from './follow.ts';
import { inside, type Place, programConfigMap, programPod, uniqueName } from './place.ts';

/** How long clients may go unheard before they count as lost; milliseconds. They go on by themselves while the API server is away. */
const silenceMs = 120_000;

/**
 * Starts clients in a pod of the cluster, as `startTraffic` does on this machine, against an address that the cluster gave, once it takes
 * connections from there. They report on the pod's log, which is followed again whenever it breaks off: each line has the counts of all the time.
 */
export async function startTrafficPod(place: Place, options: TrafficOptions): Promise<Traffic> {
  const name = uniqueName('traffic');
  const env = [{ name: 'TRAFFIC', value: JSON.stringify(options) }];
  const spec = { ...programPod(place, name, { env }), restartPolicy: 'Never', terminationGracePeriodSeconds: 120 };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: 'traffic' } }, spec };
  await inside(place, ['apply', '--filename=-'], {
    input: [await programConfigMap(name), pod].map((o) => JSON.stringify(o)).join('\n---\n'),
  });
  await inside(place, ['wait', `pod/${name}`, '--for=jsonpath={.status.phase}=Running', '--timeout=120s']);

  const reports = new Reports();
  void followAll(place, name, reports);
  return {
    counts: () => reports.latest,
    ended: reports.ended,
    waitFor: (goal) => reports.waitFor(goal),
    async stop() {
      while (!reports.over) {
        const asked = inside(place, ['exec', name, '--', 'node', '--eval', 'process.kill(1, "SIGTERM")']);
        await Promise.race([asked.then(() => reports.ended), reports.ended, delay(30_000, undefined, { ref: false })]).catch(() =>
          delay(500),
        );
      }
      return reports.ended;
    },
  };
}

async function followAll(place: Place, pod: string, reports: Reports): Promise<void> {
  let heardAt = performance.now();
  const hear = (report: TrafficReport) => {
    heardAt = performance.now();
    reports.add(report);
  };
  while (!reports.over) {
    const complaint = await follow(place, pod, hear);
    if (reports.over) return;
    if (performance.now() - heardAt > silenceMs) reports.fail(new Error(`nothing is heard of pod ${pod} any more: ${complaint}`));
    else await delay(500);
  }
}

/** Reads the log until it breaks off, and resolves with what kubectl said to that. */
function follow({ kubeconfigPath, namespace }: Place, pod: string, hear: (report: TrafficReport) => void): Promise<string> {
  const args = [`--kubeconfig=${kubeconfigPath}`, `--namespace=${namespace}`, 'logs', '--follow', '--tail=1', pod];
  return followReports(spawn(findBinaries().kubectl, args, { stdio: ['ignore', 'pipe', 'pipe'] }), hear);
}
