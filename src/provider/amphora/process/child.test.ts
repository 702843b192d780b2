import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '../../../../test/support/eventually.ts';
import { endProcesses, findByArguments, isAlive, type ProcessIdentity, signalProcess, startDetached } from './child.ts';

let dir: string;
let started: ProcessIdentity[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reflavor-'));
  started = [];
});
afterEach(async () => {
  await endProcesses(started, 0);
  await rm(dir, { recursive: true, force: true });
});

async function start(...args: string[]): Promise<ProcessIdentity> {
  const identity = await startDetached('sh', args, join(dir, 'log'));
  started.push(identity);
  return identity;
}

test('a process leads a session of its own, writes to its log and knows nothing of our environment', async () => {
  process.env.REFLAVOR_TEST_SECRET = 'secret';
  const identity = await start('-c', 'echo "$REFLAVOR_TEST_SECRET says $(cut -d" " -f6 /proc/$$/stat)"; exec sleep 60');
  await eventually(async () => expect((await readFile(join(dir, 'log'), 'utf8')).trim()).toBe(`says ${identity.pid}`));
  expect(await isAlive(identity)).toBe(true);
});

test('a process of the same pid that started at another time is another one, and gets no signal', async () => {
  const identity = await start('-c', 'exec sleep 60');
  const stranger = { ...identity, startTime: '1' };
  expect(await isAlive(stranger)).toBe(false);
  await signalProcess(stranger, 'SIGKILL');
  await endProcesses([stranger], 0);
  expect(await isAlive(identity)).toBe(true);
});

test('processes that ignore being asked are forced once their time is up', async () => {
  const stubborn = await start('-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done');
  await eventually(async () => expect(await readFile(join(dir, 'log'), 'utf8')).toBe('ready\n'));
  await endProcesses([stubborn], 100);
  expect(await isAlive(stubborn)).toBe(false);
});

test('a zombie is not alive', async () => {
  const child = spawn('sh', ['-c', 'sleep 0.2 & exec sleep 60'], { stdio: 'ignore' });
  await once(child, 'spawn');
  try {
    // The child's own child ends and is not waited for: a zombie until its parent goes.
    const zombie = await findZombieOf(child.pid!);
    expect(await isAlive(zombie)).toBe(false);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

test('processes are found by their arguments, in our order and whole; one that only names the file is none of them', async () => {
  const file = join(dir, 'haproxy.cfg');
  const asleep = 'while :; do sleep 0.05; done';
  const own = await start('-c', asleep, 'haproxy', '-x', 'after a reload', '-S', 'socket', '-f', file);
  await start('-c', asleep, 'tail', '-f', file);
  await start('-c', asleep, 'haproxy', '-S', 'socket', '-f', `${file}.new`);
  // What the shell has forked is the shell once more, until it is another program.
  await eventually(async () => expect(await findByArguments(['-S', 'socket', '-f', file])).toEqual([{ ...own, isLeader: true }]));
  expect(await findByArguments(['-S', 'socket', '-f', dir])).toEqual([]);
});

test('a program that does not exist is an error', async () => {
  await expect(startDetached(join(dir, 'nothing'), [], join(dir, 'log'))).rejects.toThrow(/ENOENT/);
});

async function findZombieOf(parent: number): Promise<ProcessIdentity> {
  return eventually(async () => {
    const [pid] = (await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8')).trim().split(' ');
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
    expect(fields[0]).toBe('Z');
    return { pid: Number(pid), startTime: fields[19]! };
  });
}
