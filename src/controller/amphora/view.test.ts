import { expect, test } from '@jest/globals';
import { buildAmphora } from '../../../test/contract/builders.ts';
import type { Amphora } from '../../api/index.ts';
import { isDrained } from './view.ts';

test('a lost amphora is drained only if it was lost as one that drains: the pod that somebody deleted ends its connections first', () => {
  const strategy = { drainSeconds: 60, settleSeconds: 1 };
  const lost = {
    type: 'Lost',
    status: 'True',
    reason: 'PodDeleted',
    message: 'Its pod is being deleted.',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  const built = buildAmphora({ name: 'web-amp-1', uid: 'lb-uid' });
  const seen = (generation: number): Amphora => ({
    ...built,
    metadata: { ...built.metadata, generation: 3 },
    spec: { ...built.spec, steering: 'Draining' },
    status: { observedGeneration: generation, attached: false, conditions: [lost] } as Amphora['status'],
  });
  expect(isDrained(seen(2), strategy, 0)).toBe(false);
  expect(isDrained(seen(3), strategy, 0)).toBe(true);
});
