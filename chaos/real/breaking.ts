import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { haproxiesIn } from '../../test/support/haproxies.ts';
import type { Balancer } from './balancer.ts';

/** Kills what the operation at hand has built, as often as it is started, until the operator gives the operation up. @throws Broken when it never does */
export async function breakNewAmphorae(lb: Balancer): Promise<void> {
  const breaking = new AbortController();
  const breaks = (async () => {
    while (!breaking.signal.aborted) {
      const { operation } = (await lb.get()).status ?? {};
      const names = (await lb.amphorae()).filter((a) => a.spec.operation === operation?.number).map((a) => a.metadata.name);
      if (operation?.result === undefined) await Promise.all(names.map((name) => kill(lb.folder(name))));
      await sleep(100);
    }
  })();
  // Heard of below.
  breaks.catch(() => {});
  try {
    await lb.until('the resize has failed', ({ status }) => status?.operation?.result === 'Failed');
  } finally {
    breaking.abort();
    await breaks;
  }
}

/** Those that serve. What checks a file (`haproxy -c`) goes on: ended by a signal it would seem to refuse it. */
async function kill(folder: string): Promise<void> {
  for (const pid of await haproxiesIn(folder)) {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine === '' || commandLine.split('\0').includes('-c')) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // gone meanwhile
    }
  }
}
