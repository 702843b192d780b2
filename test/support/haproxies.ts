/** The HAProxies that the driver `process` has left running, found by the folder that their configuration lies in. */
import { readdir, readFile } from 'node:fs/promises';
import { eventually } from './eventually.ts';

/** Pids of those whose configuration lies in the folder: masters, workers, and for a moment those that check a file. */
export async function haproxiesIn(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const ours = await Promise.all(
    pids.map(async (pid) => {
      const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return commandLine.split('\0').some((argument) => argument.startsWith(`${folder}/`));
    }),
  );
  return pids.filter((_, i) => ours[i]);
}

/** Sends a signal to each of them, and waits until they are gone if it is SIGKILL. */
export async function signalHaproxies(folder: string, signal: NodeJS.Signals): Promise<void> {
  const send = async () => {
    const pids = await haproxiesIn(folder);
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch {
        // gone meanwhile
      }
    }
    return pids;
  };
  if (signal !== 'SIGKILL') return void (await send());
  await eventually(async () => {
    if ((await send()).length > 0) throw new Error(`HAProxies of ${folder} are still there`);
  });
}
