import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheRoot } from '../../tools/binaries.ts';
import { freePorts } from '../../tools/ports.ts';
import { startProcess } from '../../tools/processes.ts';
import { untilReady } from '../../tools/reflavor.ts';
import { CONCURRENCY, type Subject } from './subjects.ts';

const source = join(import.meta.dirname, '../peers/controller-runtime');

/** The path of the peer's binary, of which there is one for each state of its source. */
function peerBinary(): string {
  const key = createHash('sha256');
  for (const file of readdirSync(source).sort()) key.update(readFileSync(join(source, file)));
  return join(cacheRoot(), `peer-controller-runtime-${key.digest('hex').slice(0, 12)}`);
}

/** Builds the peer unless it is there: half a minute with a warm cache of Go's, a few without. @throws with what Go said */
async function buildPeer(): Promise<void> {
  const binary = peerBinary();
  if (existsSync(binary)) return;
  await mkdir(cacheRoot(), { recursive: true });
  const part = `${binary}.part-${process.pid}`;
  try {
    await promisify(execFile)('go', ['build', '-C', source, '-trimpath', '-ldflags', '-s -w', '-o', part, '.']);
    await rename(part, binary);
  } finally {
    await rm(part, { force: true });
  }
}

export const controllerRuntime: Subject = {
  name: 'controller-runtime',
  prepare: buildPeer,
  async start({ kubeconfigPath, dir }) {
    const [health, metrics] = (await freePorts(2)) as [number, number];
    const logFile = join(dir, 'peer.log');
    const identity = await startProcess({
      name: 'peer',
      command: peerBinary(),
      args: [
        `--kubeconfig=${kubeconfigPath}`,
        `--world=${join(dir, 'world')}`,
        `--concurrency=${CONCURRENCY}`,
        `--health-bind-address=127.0.0.1:${health}`,
        `--metrics-bind-address=127.0.0.1:${metrics}`,
      ],
      logFile,
    });
    await untilReady(identity, { url: `http://127.0.0.1:${health}/readyz`, logFile, timeoutMs: 60_000 });
    return identity;
  },
};
