import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../../src/kube/types.ts';
import { findBinaries } from '../../../tools/binaries.ts';

const exec = promisify(execFile);
export const chart = join(import.meta.dirname, '../../../charts/reflavor');

/** Runs the real helm; rejects with what it wrote to stderr. It is told of no cluster unless a kubeconfig is given. */
export async function helm(args: readonly string[], kubeconfig = '/dev/null'): Promise<string> {
  const { stdout } = await exec(findBinaries().helm, [`--kubeconfig=${kubeconfig}`, ...args], { maxBuffer: 64 * 2 ** 20 });
  return stdout;
}

/** What helm makes of a template; tests look into it freely. */
// biome-ignore lint/suspicious/noExplicitAny: any kind of object
export type Rendered = KubeObject & Record<string, any>;

/** The objects of a release `reflavor` in the namespace `reflavor`, with these values: `operator.driver=process`. */
export async function rendered(...values: string[]): Promise<Rendered[]> {
  const flags = values.flatMap((value) => ['--set', value]);
  const text = await helm(['template', 'reflavor', chart, '--namespace=reflavor', '--kube-version=1.35.0', ...flags]);
  return parseAllDocuments(text).flatMap((document) => (document.toJS() as Rendered | null) ?? []);
}

export const only = (objects: Rendered[], kind: string): Rendered => {
  const found = objects.filter((object) => object.kind === kind);
  if (found.length !== 1) throw new Error(`${found.length} objects of kind ${kind}, not one`);
  return found[0] as Rendered;
};
