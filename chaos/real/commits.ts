import { isStatusOfLoadBalancer, statusWritten } from './api-call.ts';
import type { ApiProxy } from './api-proxy.ts';

/** Sees every change of a flavor in force, and whether it was time for it. */
export interface Commits {
  /** What was wrong with those of a namespace since this was asked last, in words. */
  wrong(namespace: string): string[];
}

/**
 * A flavor comes into force by an operation that has succeeded, once all that carry traffic are of it: each status that is written is looked
 * at on its way.
 */
export function watchCommits(proxy: ApiProxy): Commits {
  const inForce = new Map<string, string>();
  const found = new Map<string, string[]>();
  proxy.interfere({
    after(call, answer) {
      if (!isStatusOfLoadBalancer(call) || answer.status !== 200) return undefined;
      const { flavorId, operation, amphorae = [] } = statusWritten(call);
      if (flavorId === undefined || inForce.get(call.namespace) === flavorId) return undefined;
      inForce.set(call.namespace, flavorId);
      const others = amphorae.filter((a) => a.traffic === 'Carries' && a.flavorId !== flavorId).map((a) => a.name);
      const wrong = [
        ...(operation?.result === 'Succeeded' && operation.to === flavorId ? [] : [`by no operation to it that has succeeded`]),
        ...(others.length > 0 ? [`while ${others} carried traffic`] : []),
      ].map((how) => `flavor ${flavorId} came into force ${how}`);
      if (wrong.length > 0) found.set(call.namespace, [...(found.get(call.namespace) ?? []), ...wrong]);
      return undefined;
    },
  });
  return {
    wrong(namespace) {
      const wrong = found.get(namespace) ?? [];
      found.delete(namespace);
      return wrong;
    },
  };
}
