import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { followReports } from './pods/follow.ts';
import { Reports } from './reports.ts';
import type { TrafficOptions } from './settings.ts';
import type { Traffic } from './traffic.ts';

/** Starts clients in another network namespace of this machine, as `startTrafficPod` does in a pod. They end with this process. */
export function startTrafficIn(netns: string, options: TrafficOptions): Traffic {
  const program = join(import.meta.dirname, 'pods/program.ts');
  const args = [`--net=${netns}`, 'setpriv', '--pdeathsig', 'KILL', process.execPath, '--no-warnings', program];
  const clients = spawn('nsenter', args, { env: { TRAFFIC: JSON.stringify(options) }, stdio: ['ignore', 'pipe', 'pipe'] });
  const reports = new Reports();
  void followReports(clients, (report) => reports.add(report)).then((complaint) => {
    if (!reports.over) reports.fail(new Error(`the clients have ended: ${complaint}`));
  });
  return {
    counts: () => reports.latest,
    ended: reports.ended,
    waitFor: (goal) => reports.waitFor(goal),
    stop() {
      clients.kill('SIGTERM');
      return reports.ended;
    },
  };
}
