/**
 * Kernel namespaces that live as long as one process: with it go all processes, mounts and interfaces inside, whatever ends it. So nothing
 * can be left behind, and nothing stands in /run/netns.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { childOf, endProcess, isRunning, logTail, type ProcessIdentity, startProcess } from '../processes.ts';

export interface Namespaces {
  /** Ended by SIGKILL, it ends the rest. */
  holder: ProcessIdentity;
  /** Process 1 inside, as this machine counts. */
  pid: number;
}

export interface MachineOptions {
  name: string;
  /** Holds what is its own. */
  dir: string;
  /** The static program that waits and reaps. */
  init: string;
  logFile: string;
  detached: boolean;
}

/** For `nsenter --net=`. */
export function netnsOf({ pid }: { pid: number }): string {
  return `/proc/${pid}/ns/net`;
}

/**
 * What kubelet insists on, for which it would set the whole machine's (pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables). It is
 * shown files with these values in their place.
 */
const tunables = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
};

/** Folders that are empty in a node, and its own: programs have fixed names in them. A cluster's folder can't be below one. */
export const maskedDirs = ['/run', '/var/lib', '/var/log'];

/** A small machine: network, processes and mounts of its own, on this machine's files. */
export async function startMachine(options: MachineOptions): Promise<Namespaces> {
  const { name, init, logFile, detached, dir } = options;
  const ready = join(dir, 'ready');
  await mkdir(dir, { recursive: true });
  const script = [
    'set -e',
    'mount --make-rshared /',
    'mount -t proc proc /proc',
    ...maskedDirs.map((path) => `mount -t tmpfs -o mode=755 tmpfs ${path}`),
    ...Object.entries(tunables).flatMap(([path, value], index) => [
      `echo ${value} > /run/tunable${index}`,
      `mount --bind /run/tunable${index} /proc/sys/${path}`,
    ]),
    'touch "$1"',
    'exec "$2"',
  ].join('\n');
  const kinds = ['--net', '--pid', '--mount', '--propagation=private', '--fork', '--kill-child'];
  const holder = await startProcess({
    name,
    command: 'unshare',
    args: [...kinds, 'sh', '-c', script, 'sh', ready, init],
    logFile,
    detached,
  });
  while (!existsSync(ready)) {
    if (!isRunning(holder)) throw new Error(`the namespaces of ${name} can't be made\n${logTail(logFile)}`);
    await sleep(10);
  }
  return { holder, pid: (childOf(holder) as ProcessIdentity).pid };
}

/** Ends all that runs in a machine, and waits until it is gone. */
export async function endMachine({ holder, pid }: Namespaces): Promise<void> {
  await endProcess(holder, { signal: 'SIGKILL' });
  while (existsSync(`/proc/${pid}/ns/net`)) await sleep(20);
}

/** A command line that runs `command` in the network alone. */
export function inNetwork(namespaces: { pid: number }): [string, ...string[]] {
  return ['nsenter', `--net=${netnsOf(namespaces)}`];
}

/** Starts a process in all namespaces of a machine and returns the process itself, not the nsenter that waits for it. */
export async function startInside(
  { pid }: { pid: number },
  process: { name: string; command: string; args: readonly string[]; logFile: string; detached: boolean },
): Promise<ProcessIdentity> {
  const waiting = await startProcess({
    ...process,
    command: 'nsenter',
    args: [`--target=${pid}`, '--net', '--mount', '--pid', '--', process.command, ...process.args],
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' },
  });
  for (;;) {
    const child = childOf(waiting);
    if (child) return child;
    if (!isRunning(waiting)) throw new Error(`${process.name} ended at once\n${logTail(process.logFile)}`);
    await sleep(5);
  }
}
