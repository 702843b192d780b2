import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePorts } from '../../../tools/ports.ts';
import { requireOwnNetwork } from '../../../tools/traffic/loopback.ts';
import { programConfigMap } from '../../../tools/traffic/pods/place.ts';
import type { TrafficReport } from '../../../tools/traffic/reports.ts';
import { eventually } from '../../support/eventually.ts';

let dir: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'reflavor-test-'));
  const { data } = (await programConfigMap('program')) as { data: Record<string, string> };
  await writeFile(join(dir, 'program.mjs'), data['program.mjs']!);
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

function start(env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [join(dir, 'program.mjs')], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

test('the program of the pods sends requests to a member, and ends in order when it is told to', async () => {
  const [port] = (await freePorts(1)) as [number];
  const member = start({ MEMBER_NAME: 'one', MEMBER_ADDRESS: '127.0.0.1', MEMBER_PORT: String(port) });
  const url = `http://127.0.0.1:${port}/`;
  await eventually(async () => expect((await fetch(url)).status).toBe(200));

  const clients = start({ TRAFFIC: JSON.stringify({ url, newConnections: 2, slow: 1, slowMs: 300, maxSeconds: 30 }) });
  const exit = once(clients, 'exit');
  let last: TrafficReport | undefined;
  for await (const line of createInterface(clients.stdout!)) {
    last = JSON.parse(line) as TrafficReport;
    if (last.counts.byKind.slow.requests > 1 && !clients.killed) clients.kill('SIGTERM');
  }
  expect(await exit).toEqual([0, null]);
  expect(last).toMatchObject({ final: true, counts: { failed: 0, inFlight: 0, ended: 'stopped' } });
  expect(last!.counts.byMember).toEqual({ one: last!.counts.requests });

  const gone = once(member, 'exit');
  member.kill('SIGTERM');
  expect(await gone).toEqual([0, null]);
});

test.each(['10.1.2.3', '172.31.0.1', '192.168.1.1', '127.0.0.1', 'fd00::1', '[fd00::1]'])('it may send to %s', (address) => {
  expect(requireOwnNetwork(address)).toBe(address.replace(/[[\]]/g, ''));
});

test.each(['192.0.2.1', '172.32.0.1', '2001:db8::1', 'example.com', 'localhost', ''])('it may not send to "%s"', (address) => {
  expect(() => requireOwnNetwork(address)).toThrow(/private addresses only/);
});
