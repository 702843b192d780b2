/** A place for the process driver to be tried in: a state folder of its own, members, and an end of all that was started. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Amphora } from '../../../src/api/index.ts';
import { ProcessDriver } from '../../../src/provider/amphora/process/driver.ts';
import { freePorts } from '../../../tools/ports.ts';
import { type Member, startMembers } from '../../../tools/traffic/members.ts';
import { signalHaproxies } from '../../support/haproxies.ts';

export interface ProcessSetting {
  stateDir: string;
  driver: ProcessDriver;
  members: Member[];
  /** Two ports that listeners can have. */
  ports: [number, number];
  dispose(): Promise<void>;
}

export async function processSetting(): Promise<ProcessSetting> {
  const stateDir = await mkdtemp(join(tmpdir(), 'reflavor-'));
  const { members, close } = await startMembers({ count: 2 });
  return {
    stateDir,
    driver: new ProcessDriver({ stateDir }),
    members,
    ports: (await freePorts(2)).sort((a, b) => a - b) as [number, number],
    async dispose() {
      await signalHaproxies(stateDir, 'SIGKILL');
      await close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** Sends a signal to every HAProxy of the amphora, master and workers, and waits until they are gone if it is SIGKILL. */
export const signalAmphora = ({ spec, metadata }: Amphora, stateDir: string, signal: NodeJS.Signals) =>
  signalHaproxies(join(stateDir, 'loadbalancers', spec.loadBalancer.uid, 'amphorae', metadata.name), signal);

/** The same for the HAProxy of a VIP. */
export const signalVip = (uid: string, stateDir: string, signal: NodeJS.Signals) =>
  signalHaproxies(join(stateDir, 'loadbalancers', uid, 'vip'), signal);
