import { readdirSync, readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { startApi } from '../../tools/api.ts';
import { withLocalMembers } from '../../tools/examples.ts';
import { freePorts } from '../../tools/ports.ts';
import { startStack } from '../../tools/stack.ts';
import { eventually } from '../support/eventually.ts';
import { useStack } from '../support/stack.ts';

const [apiPort, ...memberPorts] = (await freePorts(4)) as [number, ...number[]];

/** Command lines of the processes that name a folder. */
const processesThatName = (dir: string) =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return [];
      }
    })
    .filter((commandLine) => commandLine.includes(dir));

describe('what make up starts', () => {
  const stack = useStack({ memberPorts, apiPort });
  const example = async () => {
    const text = await readFile(join(import.meta.dirname, '../../examples/http.yaml'), 'utf8');
    return withLocalMembers(text, memberPorts);
  };
  const vip = () => stack.kubectl(['get', 'lb', 'web', '-o', 'jsonpath={.status.vipAddress}']);
  const answer = async () => (await fetch(`http://${await vip()}:8080/`)).status;

  test('serves the first example', async () => {
    await stack.kubectl(['apply', '--filename=-'], { input: await example() });
    await stack.kubectl(['wait', 'lb/web', '--for=jsonpath={.status.provisioningStatus}=ACTIVE', '--timeout=50s']);
    await eventually(async () => expect(await answer()).toBe(200));
  });

  test('has the API, and a token for it that nobody else can read', async () => {
    const file = join(stack.dir, 'token');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const headers = { 'X-Auth-Token': (await readFile(file, 'utf8')).trim() };
    const answer = await fetch(`http://127.0.0.1:${apiPort}/v2.0/lbaas/loadbalancers?fields=name`, { headers });
    expect(await answer.json()).toEqual({ loadbalancers: [{ name: 'web' }], loadbalancers_links: [] });
  });

  test('says who has the port of the API when it is taken', async () => {
    const options = { kubeconfigPath: stack.kubeconfigPath, port: apiPort, logFile: join(stack.dir, 'second.log') };
    await expect(startApi(options)).rejects.toThrow(
      new RegExp(`127.0.0.1:${apiPort}, which process \\d+ \\(.*main.ts api .* has: end that first`),
    );
  });

  test('is joined when it is started again', async () => {
    const { pids } = stack.controlPlane;
    const lines: string[] = [];
    const again = await startStack({ dir: stack.dir, memberPorts, apiPort, log: (line) => lines.push(line) });
    expect(again.controlPlane.pids).toEqual(pids);
    expect(lines).toContain('the control plane runs already');
    expect(lines).toContain('the operator runs already');
  });

  test('serves while operator and control plane are dead, and is mended by starting it again', async () => {
    const url = `http://${await vip()}:8080/`;
    await stack.stopOperator('SIGKILL');
    await stack.controlPlane.stopApiServer('SIGKILL');
    expect((await fetch(url)).status).toBe(200);
    await startStack({ dir: stack.dir, memberPorts, apiPort });
    expect(await stack.kubectl(['get', 'lb', 'web', '-o', 'jsonpath={.status.provisioningStatus}'])).toBe('ACTIVE');
    expect(await answer()).toBe(200);
    expect((await fetch(`http://127.0.0.1:${apiPort}/`)).status).toBe(200);
  });

  test('leaves no process when it is stopped', async () => {
    expect(processesThatName(stack.dir).filter((line) => line.includes('haproxy')).length).toBeGreaterThan(0);
    await stack.stop();
    expect(processesThatName(stack.dir)).toEqual([]);
  });
});
