import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject, Resource } from '../../src/kube/types.ts';
import { gitopsDir } from '../../tools/binaries.ts';
import { eventually } from './eventually.ts';

export interface Verdict {
  status: string;
  message: string;
}

/** What GitOps tools make of an object. */
export interface Verdicts {
  /** Flux, kpt: InProgress, Failed, Current or Terminating. */
  kstatus: Verdict;
  /** Argo CD, by the scripts of deploy/argocd; null where there is none for the kind. */
  argocd: Verdict | null;
}

/** Has the real kstatus, and the real scripts in the Lua that Argo CD runs them in, judge each object. */
export async function judge(objects: readonly object[]): Promise<Verdicts[]> {
  const scripts = join(import.meta.dirname, '../../deploy/argocd');
  const child = spawn(join(gitopsDir(), 'gitops-health'), ['-scripts', scripts], { stdio: ['pipe', 'pipe', 'pipe'] });
  // One that has ended takes no more: its exit code and words tell why.
  child.stdin.on('error', () => {});
  child.stdin.end(objects.map((object) => `${JSON.stringify(object)}\n`).join(''));
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(`gitops-health ended with ${code}: ${err}`);
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Verdicts);
}

/** Every version of every object of a resource from now on, in the order in which the API server had them. */
export class Recording<T extends KubeObject> {
  readonly versions: T[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  private constructor(client: KubeClient, resource: Resource, resourceVersion: string) {
    this.#ended = this.#record(client, resource, resourceVersion);
    this.#ended.catch(() => {});
  }

  static async start<T extends KubeObject>(client: KubeClient, resource: Resource): Promise<Recording<T>> {
    // The API server refuses watches of a kind for a moment after it has learnt of it.
    await eventually(async () => {
      for await (const _ of client.watch(resource, { timeoutSeconds: 1 }));
    });
    const { metadata } = await client.list<T>(resource);
    return new Recording<T>(client, resource, metadata.resourceVersion);
  }

  of(name: string): T[] {
    return this.versions.filter((version) => version.metadata.name === name);
  }

  /** Waits until the version has come. */
  async until(resourceVersion: string | undefined): Promise<void> {
    await eventually(() => {
      if (!this.versions.some((version) => version.metadata.resourceVersion === resourceVersion))
        throw new Error(`version ${resourceVersion} has not come`);
    });
  }

  /** Ends it; rejects where the watch had ended by itself, so that versions may be missing. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #record(client: KubeClient, resource: Resource, resourceVersion: string): Promise<void> {
    const { signal } = this.#stop;
    try {
      // The API server sends each change as an event of its own: nothing is left out between two versions.
      for await (const event of client.watch<T>(resource, { signal, resourceVersion, timeoutSeconds: 3600, allowWatchBookmarks: false })) {
        if (event.type === 'ERROR') throw new Error(`the watch ended: ${event.object.message}`);
        this.versions.push(event.object);
      }
      throw new Error('the watch ended');
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
