import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { endProcess, identify, isRunning, logTail, type ProcessIdentity, startProcess } from '../../../tools/processes.ts';
import { stopStack } from '../../../tools/stack.ts';
import { eventually } from '../../support/eventually.ts';

const dir = mkdtempSync(join(tmpdir(), 'reflavor-processes-'));
const logFile = join(dir, 'log');
const processesModule = join(import.meta.dirname, '../../../tools/processes.ts');
const started: ProcessIdentity[] = [];

async function shell(script: string, options: { detached?: boolean; env?: NodeJS.ProcessEnv } = {}): Promise<ProcessIdentity> {
  const identity = await startProcess({ name: 'shell', command: 'sh', args: ['-c', script], logFile, ...options });
  started.push(identity);
  return identity;
}

afterEach(() => Promise.all(started.splice(0).map((identity) => endProcess(identity, { signal: 'SIGKILL' }))));
afterAll(() => rmSync(dir, { recursive: true }));

describe('a process that was started here', () => {
  test('ends at SIGTERM, and its end is waited for', async () => {
    const identity = await shell('exec sleep 60');
    expect(isRunning(identity)).toBe(true);
    await endProcess(identity);
    expect(isRunning(identity)).toBe(false);
  });

  test('is killed once its grace is over', async () => {
    const identity = await shell('trap "" TERM; echo ready; while :; do sleep 0.05; done');
    await eventually(() => expect(logTail(logFile)).toMatch(/ready/));
    await endProcess(identity, { graceMs: 200 });
    expect(isRunning(identity)).toBe(false);
  });

  test('runs while any of its threads does, though the first has ended', async () => {
    const program =
      'import ctypes, threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); ctypes.CDLL(None).pthread_exit(None)';
    const identity = await startProcess({ name: 'threads', command: 'python3', args: ['-c', program], logFile });
    started.push(identity);
    await eventually(() => expect(readFileSync(`/proc/${identity.pid}/stat`, 'utf8')).toMatch(/\) Z /));
    expect(isRunning(identity)).toBe(true);
    await endProcess(identity);
    expect(isRunning(identity)).toBe(false);
  });

  test('is not mistaken for a stranger who has its pid now', async () => {
    const stranger = await shell('exec sleep 60');
    const gone = { ...stranger, startTime: '1' };
    expect(isRunning(gone)).toBe(false);
    await endProcess(gone);
    expect(isRunning(stranger)).toBe(true);
  });

  test('says why when its command can not be run', async () => {
    const start = startProcess({ name: 'etcd', command: join(dir, 'missing'), args: [], logFile, detached: true });
    await expect(start).rejects.toThrow(/etcd can't be started: .*missing does not run/);
  });

  test.each([
    { detached: false, fate: 'ends with its starter, even if that is killed' },
    { detached: true, fate: 'outlives its starter when detached' },
  ])('$fate', async ({ detached }) => {
    const program = `
      import { startProcess } from ${JSON.stringify(processesModule)};
      const options = { name: 'child', command: 'sleep', args: ['60'], logFile: ${JSON.stringify(logFile)}, detached: ${detached} };
      console.log((await startProcess(options)).pid);
      setInterval(() => {}, 1000);`;
    const starter = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = Number(await new Promise((resolve) => starter.stdout.once('data', (data) => resolve(String(data)))));
    const child = identify('child', pid) as ProcessIdentity;
    started.push(child);
    starter.kill('SIGKILL');
    await new Promise((resolve) => starter.once('close', resolve));
    if (detached) expect(isRunning(child)).toBe(true);
    else await eventually(() => expect(isRunning(child)).toBe(false));
  });
});

test('ending a stack ends what it started and the HAProxies of its folder, and nothing else', async () => {
  const marked = (folder: string) => shell('exec sleep 60', { env: { ...process.env, REFLAVOR_STACK: folder } });
  const withArgs = async (...args: string[]) => {
    const command = { command: process.execPath, args: ['--eval', 'setInterval(() => {}, 1000)', '--', ...args] };
    started.push(await startProcess({ name: 'haproxy', logFile, env: {}, detached: true, ...command }));
    return started.at(-1) as ProcessIdentity;
  };
  const configuration = (folder: string) => join(folder, 'amphorae/loadbalancers/1/vip/haproxy.cfg');
  const mine = [await marked(dir), await withArgs('-W', '-f', configuration(dir))];
  const other = `${dir}-other`;
  const others = [
    await marked(other),
    await withArgs('-W', '-f', configuration(other)),
    await withArgs('-f', configuration(dir)),
    await shell('exec sleep 60'),
  ];
  expect(await stopStack(dir)).toBe(2);
  expect(mine.map(isRunning)).toEqual([false, false]);
  expect(others.map(isRunning)).toEqual([true, true, true, true]);
});
