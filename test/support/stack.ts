import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Stack, type StackOptions, startStack } from '../../tools/stack.ts';
import { use } from './use.ts';

/**
 * Control plane, kinds, admission policies, the flavors of examples/ and the operator with the driver `process`, of this suite's own: up
 * before its tests, gone after them with every HAProxy. The value may be read inside hooks and tests only.
 */
export function useStack(options: Partial<StackOptions> = {}): Stack {
  const start = async () => startStack({ dir: await mkdtemp(join(tmpdir(), 'reflavor-test-')), ...options });
  return use('the stack', start, async (stack) => {
    await stack.stop();
    await rm(stack.dir, { recursive: true, force: true });
  });
}
