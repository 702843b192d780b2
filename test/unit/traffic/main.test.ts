import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from '@jest/globals';

const main = fileURLToPath(new URL('../../../tools/traffic/main.ts', import.meta.url));
const started: ChildProcess[] = [];

function run(...args: string[]) {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  return child;
}

async function finished(child: ReturnType<typeof run>) {
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code: child.exitCode, lines: out.trimEnd().split('\n'), err };
}

afterEach(async () => {
  for (const child of started.splice(0).filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
    child.kill();
    await once(child, 'exit');
  }
});

test('members run until interrupted, and requests sent at one are counted on a line a second and on the last', async () => {
  const members = run('members', '--count', '1');
  const [first] = await once(createInterface(members.stdout), 'line');
  const [name, address] = String(first).split(' ');
  const { code, lines } = await finished(run(`http://${address}/`, '--keep-alive', '1', '--rate', '200', '--seconds', '1.5'));
  expect(lines.at(-1)).toMatch(/^[1-9]\d* requests, 0 failed$/);
  expect(lines.length).toBeGreaterThan(2);
  expect(lines.at(-2)).toMatch(new RegExp(`^ +\\d+ s  \\d+ requests, 0 failed .* ${name} \\d+$`));
  expect(code).toBe(0);
  members.kill('SIGINT');
  await once(members, 'exit');
  expect(members.exitCode).toBe(0);
  const afterwards = await finished(run(`http://${address}/`, '--new-connections', '1', '--seconds', '0.1'));
  expect(afterwards.lines.join('\n')).toMatch(/newConnections: connect ECONNREFUSED.*\n([1-9]\d*) requests, \1 failed$/s);
  expect(afterwards.code).toBe(1);
});

test('an address that is not of this machine is refused', async () => {
  expect(await finished(run('http://192.0.2.1/'))).toMatchObject({ code: 2, err: expect.stringContaining('loopback addresses only') });
});
