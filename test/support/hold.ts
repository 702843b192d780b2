import { expect } from '@jest/globals';
import type { Goal } from '../../src/api/index.ts';
import type { Subject } from './subject.ts';

/** The goals that a resize can be kept at. */
export const HELD_GOALS = ['Built', 'Configured', 'Verified', 'Attached', 'Detached'] as const satisfies Goal[];
export type HeldGoal = (typeof HELD_GOALS)[number];

/** Longer than any test. */
const FOREVER = { settleSeconds: 3600, verifySeconds: 3600 };

/** What keeps a resize at a goal: each is something that may befall users too. */
interface Obstacle {
  /** What the operation says while it waits. */
  words: RegExp;
  /** Done before the resize begins. */
  before?(lb: Subject): Promise<unknown>;
  /** Part of the spec that begins it. */
  spec?(spec: Spec): Record<string, unknown>;
  /** Done once the resize has come to this goal. */
  after?: { goal: HeldGoal; spec(spec: Spec): Record<string, unknown> };
  /** Done in the end, after the spec is again what it was. */
  end?(lb: Subject): Promise<unknown>;
}

type Spec = Awaited<ReturnType<Subject['get']>>['spec'];

const quota = ({ name }: Subject) => `no-room-for-${name}`;

const obstacles: Record<HeldGoal, Obstacle> = {
  Built: {
    words: /exceeded quota/,
    before: (lb) => lb.kubectl(['create', 'quota', quota(lb), '--hard=pods=0']),
    end: (lb) => lb.kubectl(['delete', 'quota', quota(lb)]),
  },
  Configured: {
    words: /HAProxy refuses the configuration/,
    spec: () => ({ strategy: FOREVER }),
    after: {
      goal: 'Attached',
      spec: ({ listeners = [] }) => {
        const rules = [{ name: 'r', type: 'PATH', compareType: 'REGEX', value: '(unclosed' }];
        return { listeners: listeners.map((l) => ({ ...l, l7Policies: [{ name: 'p', action: 'REJECT', rules }] })) };
      },
    },
  },
  Verified: {
    words: /is up for the present amphora but not for the new one/,
    async before(lb) {
      const { spec, status } = await lb.get();
      const known = (await lb.amphorae()).map((amphora) => amphora.status?.address);
      await lb.patch({
        pools: spec.pools?.map((p) => ({ ...p, healthMonitor: { ...p.healthMonitor, urlPath: `/health?only=${known}` } })),
      });
      await lb.untilAtRest(status!.flavorId!, known.length);
    },
    spec: () => ({ strategy: FOREVER }),
  },
  Attached: { words: /settling for 3600 s/, spec: () => ({ strategy: FOREVER }) },
  Detached: { words: /watching them for 3600 s/, spec: () => ({ strategy: { verifySeconds: FOREVER.verifySeconds } }) },
};

/**
 * Begins a resize that comes as far as `goal` and waits there for as long as one wants, and resolves once it does. What it returns ends the
 * wait, and changes in the same write of the spec what else is to be changed.
 */
export async function resizeHeldAt(goal: HeldGoal, lb: Subject, to: string): Promise<(more?: Record<string, unknown>) => Promise<void>> {
  const { words, before, spec, after, end } = obstacles[goal];
  const was = (await lb.get()).spec;
  const waitsAt = (step: Goal, message: RegExp) =>
    lb.until(({ status }) =>
      expect(status?.operation).toMatchObject({ kind: 'Resize', to, step, message: expect.stringMatching(message) }),
    );
  await before?.(lb);
  await lb.patch({ ...spec?.(was), flavorId: to });
  if (after) {
    await waitsAt(after.goal, obstacles[after.goal].words);
    await lb.patch(after.spec(was));
  }
  await waitsAt(goal, words);
  return async (more = {}) => {
    const { listeners, pools, strategy } = was;
    await lb.patch({ listeners, pools, strategy, ...more });
    await end?.(lb);
  };
}
