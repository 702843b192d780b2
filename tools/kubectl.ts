import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinaries } from './binaries.ts';

const exec = promisify(execFile);
const root = join(import.meta.dirname, '..');

/** Runs the real kubectl and returns its output; rejects with what it wrote to stderr. `input` is its standard input. */
export async function kubectl(kubeconfig: string, args: readonly string[], { input = '' } = {}): Promise<string> {
  const running = exec(findBinaries().kubectl, [`--kubeconfig=${kubeconfig}`, ...args], { maxBuffer: 64 * 2 ** 20 });
  running.child.stdin?.on('error', () => {}); // it may end without having read its input: its exit code says what happened
  running.child.stdin?.end(input);
  return (await running).stdout;
}

/** Applies every file of crds/ and waits until the API server serves these kinds. */
export async function applyCrds(kubeconfig: string): Promise<void> {
  const dir = join(root, 'crds');
  const files = (await readdir(dir)).filter((file) => file.endsWith('.yaml')).map((file) => `--filename=${join(dir, file)}`);
  await kubectl(kubeconfig, ['apply', '--server-side', '--force-conflicts', ...files]);
  await kubectl(kubeconfig, ['wait', 'customresourcedefinitions', '--all', '--for=condition=Established', '--timeout=30s']);
}
