import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { freePorts } from '../../tools/ports.ts';
import { examplePorts, startStack } from '../../tools/stack.ts';
import { eventually } from '../support/eventually.ts';
import { useStack } from '../support/stack.ts';

const memberPorts = await freePorts(3);

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
  const stack = useStack({ memberPorts });
  const example = async () => {
    const text = await readFile(join(import.meta.dirname, '../../examples/http.yaml'), 'utf8');
    return examplePorts.reduce((yaml, port, i) => yaml.replaceAll(String(port), String(memberPorts[i])), text);
  };
  const vip = () => stack.kubectl(['get', 'lb', 'web', '-o', 'jsonpath={.status.vipAddress}']);
  const answer = async () => (await fetch(`http://${await vip()}:8080/`)).status;

  test('serves the first example', async () => {
    await stack.kubectl(['apply', '--filename=-'], { input: await example() });
    await stack.kubectl(['wait', 'lb/web', '--for=jsonpath={.status.provisioningStatus}=ACTIVE', '--timeout=50s']);
    await eventually(async () => expect(await answer()).toBe(200));
  });

  test('is joined when it is started again', async () => {
    const { pids } = stack.controlPlane;
    const lines: string[] = [];
    const again = await startStack({ dir: stack.dir, memberPorts, log: (line) => lines.push(line) });
    expect(again.controlPlane.pids).toEqual(pids);
    expect(lines).toContain('the control plane runs already');
    expect(lines).toContain('the operator runs already');
  });

  test('serves while operator and control plane are dead, and is mended by starting it again', async () => {
    const url = `http://${await vip()}:8080/`;
    await stack.stopOperator('SIGKILL');
    await stack.controlPlane.stopApiServer('SIGKILL');
    expect((await fetch(url)).status).toBe(200);
    await startStack({ dir: stack.dir, memberPorts });
    expect(await stack.kubectl(['get', 'lb', 'web', '-o', 'jsonpath={.status.provisioningStatus}'])).toBe('ACTIVE');
    expect(await answer()).toBe(200);
  });

  test('leaves no process when it is stopped', async () => {
    expect(processesThatName(stack.dir).filter((line) => line.includes('haproxy')).length).toBeGreaterThan(0);
    await stack.stop();
    expect(processesThatName(stack.dir)).toEqual([]);
  });
});
