import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Lease, leaseResource } from '../../../src/controller/runtime/leaderelection.ts';
import { connect } from '../../../src/kube/index.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { eventually } from '../../support/eventually.ts';

interface LogLine {
  level: string;
  msg: string;
  address?: { host: string; port: number };
}

/** The operator as a process of its own, with everything it has logged. */
class OperatorProcess {
  readonly child: ChildProcess;
  readonly lines: LogLine[] = [];
  stderr = '';

  constructor(args: string[], env: NodeJS.ProcessEnv = {}) {
    const main = join(import.meta.dirname, '../../../src/main.ts');
    this.child = spawn(process.execPath, [main, 'operator', ...args], { env: { ...process.env, NODE_OPTIONS: '', ...env } });
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.lines.push(JSON.parse(line) as LogLine));
    this.child.stderr!.on('data', (chunk) => {
      this.stderr += chunk;
    });
  }

  logged(msg: string): Promise<LogLine> {
    return eventually(
      () => {
        const line = this.lines.find((candidate) => candidate.msg.includes(msg));
        if (!line) throw new Error(`not logged: ${msg}\n${JSON.stringify(this.lines, null, 1)}\n${this.stderr}`);
        return line;
      },
      { withinMs: 30_000 },
    );
  }

  /** The exit code once it has ended. */
  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }
}

describe('the operator as a process', () => {
  const controlPlane = useControlPlane({ crds: true });
  const started: OperatorProcess[] = [];
  const start = (args: string[] = [], env: NodeJS.ProcessEnv = {}) => {
    const operator = new OperatorProcess(
      [
        `--kubeconfig=${controlPlane.kubeconfigPath}`,
        '--driver=simulated',
        '--health-bind-address=127.0.0.1:0',
        '--metrics-bind-address=0',
        ...args,
      ],
      env,
    );
    started.push(operator);
    return operator;
  };
  afterEach(async () => {
    for (const operator of started.splice(0)) {
      operator.child.kill('SIGKILL');
      await operator.ended();
    }
  });

  test('answers probes and metrics, and ends with 0 when asked to', async () => {
    const operator = start(['--metrics-bind-address=127.0.0.1:0']);
    await operator.logged('controllers are running');
    const [health, metrics] = operator.lines.flatMap((line) => (line.address ? [`http://127.0.0.1:${line.address.port}`] : []));
    const get = async (url: string) => {
      const response = await fetch(url);
      return { status: response.status, body: await response.text() };
    };
    expect(await get(`${health}/healthz`)).toMatchObject({ status: 200 });
    expect(await get(`${health}/readyz`)).toMatchObject({ status: 200, body: expect.stringMatching(/ok\n$/) });
    expect((await get(`${metrics}/metrics`)).body).toContain('reflavor_leader 1');
    expect(await get(`${health}/metrics`)).toMatchObject({ status: 404 });
    operator.child.kill('SIGTERM');
    expect(await operator.ended()).toBe(0);
    expect(operator.lines.at(-1)).toMatchObject({ msg: 'ended' });
  }, 60_000);

  test('of two that stand for election the second takes over as soon as the first is stopped', async () => {
    const args = ['--leader-elect', '--lease-namespace=default', '--lease-name=handover'];
    const first = start(args);
    await first.logged('controllers are running');
    const second = start(args);
    await second.logged('waiting to become the leader');
    first.child.kill('SIGTERM');
    expect(await first.ended()).toBe(0);
    await second.logged('controllers are running');
    second.child.kill('SIGTERM');
    expect(await second.ended()).toBe(0);
  }, 90_000);

  test('a leader whose lease was taken ends with 1', async () => {
    const operator = start(['--leader-elect', '--lease-namespace=default', '--lease-name=stolen']);
    await operator.logged('controllers are running');
    const client = connect({ kubeconfig: controlPlane.kubeconfigPath });
    await client.patchMerge<Lease>(leaseResource, { namespace: 'default', name: 'stolen' }, { spec: { holderIdentity: 'thief' } });
    await client.close();
    expect(await operator.ended()).toBe(1);
    await operator.logged('lost the lease');
  }, 60_000);

  test('says what to do when there is no cluster, and ends with 1', async () => {
    const operator = start(['--context=nowhere']);
    expect(await operator.ended()).toBe(1);
    expect(operator.stderr).toBe('reflavor: the kubeconfig has no context "nowhere"; it has reflavor\n');
  }, 60_000);

  test('a bad setting ends with 2', async () => {
    const operator = start([], { REFLAVOR_CONCURRENCY: 'lots' });
    expect(await operator.ended()).toBe(2);
    expect(operator.stderr).toContain('REFLAVOR_CONCURRENCY');
  }, 60_000);
});
