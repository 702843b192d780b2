import type { Goal } from '../../src/api/index.ts';
import { isStatusOfLoadBalancer, statusWritten } from './api-call.ts';
import { type Balancer, hasComeTo } from './balancer.ts';
import type { Stage } from './stage.ts';

/** Has something done at the very moment at which the operation to `to` is at a step, or past it: the operator is told of its own write only after that. */
export function atStep(
  stage: Stage,
  lb: Balancer,
  to: string,
  step: Goal,
  act: () => Promise<void>,
): { done: Promise<void>; forget(): void } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Whoever waits hears of it; nobody may be waiting yet.
  promise.catch(() => {});
  let begun = false;
  const forget = stage.proxy.interfere({
    async after(call, answer) {
      if (begun || !isStatusOfLoadBalancer(call) || call.namespace !== lb.namespace || answer.status !== 200) return undefined;
      const { operation } = statusWritten(call);
      if (!hasComeTo(operation, to, step)) return undefined;
      begun = true;
      await act().then(resolve, reject);
      return undefined;
    },
  });
  return { done: promise, forget };
}
