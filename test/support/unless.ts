import { describe, test } from '@jest/globals';

/** What keeps a suite from reaching into nodes: they are on another machine. Undefined where they are on this one. */
export const nodesElsewhere = process.env.TEST_KUBECONFIG
  ? 'TEST_KUBECONFIG names a cluster whose nodes can not be reached into'
  : undefined;

/** `test`, skipped where there is an obstacle; its name then says which. */
export function testUnless(obstacle: string | undefined, name: string, run: () => Promise<void>): void {
  if (obstacle === undefined) test(name, run);
  else test.skip(`${name} (skipped: ${obstacle})`, run);
}

/** `describe`, in the same way. */
export function describeUnless(obstacle: string | undefined, name: string, tests: () => void): void {
  if (obstacle === undefined) describe(name, tests);
  else describe.skip(`${name} (skipped: ${obstacle})`, tests);
}
