import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../src/kube/index.ts';
import type { Surroundings } from '../../test/support/subject.ts';
import { type Stack, type StackOptions, startStack, stopStack } from '../../tools/stack.ts';

export interface BenchStack extends Surroundings {
  stack: Stack;
}

/** A stack of this run's own with the driver `process`, ended after `work`, whatever comes of it. */
export async function withStack<T>(work: (bench: BenchStack) => Promise<T>, options: Partial<StackOptions> = {}): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'reflavor-bench-'));
  try {
    const stack = await startStack({ dir, ...options });
    const client = connect({ kubeconfig: stack.kubeconfigPath });
    try {
      return await work({ stack, client, kubectl: (...args) => stack.kubectl(...args) });
    } finally {
      await client.close();
    }
  } finally {
    // Also where only a part of it has started.
    await stopStack(dir);
    await rm(dir, { recursive: true, force: true });
  }
}
