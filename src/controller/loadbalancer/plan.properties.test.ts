import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { Model, type ModelFlavor } from '../../../test/support/model.ts';
import { conditionOf, isTrue } from '../../api/index.ts';
import { isDisrupted, isDraining } from '../amphora/view.ts';

/** One thing that happens to a model. */
type Step =
  | { do: 'want'; flavor: string }
  | { do: 'visit' }
  | { do: 'tick'; which: number }
  | { do: 'round' }
  | { do: 'pass'; ms: number }
  | { do: 'restart' }
  | { do: 'disrupt'; which: number; on: boolean }
  | { do: 'edit' }
  | { do: 'refuse' }
  | { do: 'lose'; which: number }
  | { do: 'evict'; which: number }
  | { do: 'heal'; which: number }
  | { do: 'delete'; which: number }
  | { do: 'suspend'; on: boolean }
  | { do: 'request'; what: 'retry' | 'failover' }
  | { do: 'forgetStatus' };

const single: Record<string, ModelFlavor> = { a: {}, b: {}, c: {}, broken: { broken: true }, off: { enabled: false } };
const pair: Record<string, ModelFlavor> = Object.fromEntries(
  Object.entries(single).map(([id, f]) => [id, { ...f, topology: 'ACTIVE_STANDBY' as const }]),
);
const wishes = ['a', 'b', 'c', 'broken', 'off', 'none'];

const calm: fc.Arbitrary<Step>[] = [
  fc.constantFrom(...wishes).map((flavor) => ({ do: 'want', flavor })),
  fc.constant({ do: 'visit' }),
  fc.nat(5).map((which) => ({ do: 'tick', which })),
  fc.constant({ do: 'round' }),
  fc.constant({ do: 'round' }),
  fc.constant({ do: 'round' }),
  fc.constantFrom(100, 2000, 30_000, 700_000).map((ms) => ({ do: 'pass', ms })),
  fc.constant({ do: 'restart' }),
  fc.tuple(fc.nat(5), fc.boolean()).map(([which, on]) => ({ do: 'disrupt', which, on })),
  fc.constant({ do: 'edit' }),
  fc.constant({ do: 'refuse' }),
  fc.boolean().map((on) => ({ do: 'suspend', on })),
  fc.constantFrom('retry' as const, 'failover' as const).map((what) => ({ do: 'request', what })),
];
const faults: fc.Arbitrary<Step>[] = [
  fc.nat(5).map((which) => ({ do: 'delete', which })),
  fc.nat(5).map((which) => ({ do: 'lose', which })),
  fc.nat(5).map((which) => ({ do: 'evict', which })),
  fc.nat(5).map((which) => ({ do: 'heal', which })),
  fc.constant({ do: 'forgetStatus' }),
];

let token = 0;

function take(model: Model, step: Step): void {
  const name = (which: number) => [...model.amphorae.keys()][which % Math.max(1, model.amphorae.size)] ?? '';
  switch (step.do) {
    case 'want':
      model.edit((lb) => {
        lb.spec.flavorId = step.flavor;
      });
      break;
    case 'visit':
      model.visit();
      break;
    case 'tick':
      model.tick(name(step.which));
      break;
    case 'round':
      model.round();
      break;
    case 'pass':
      model.now += step.ms;
      break;
    case 'restart':
      model.restart();
      break;
    case 'disrupt':
      model.disrupt(name(step.which), step.on);
      break;
    case 'edit':
      model.edition = `e${++token}`;
      break;
    case 'refuse':
      model.edition = `refused${++token}`;
      model.refused.add(model.edition);
      break;
    case 'lose':
      model.lose(name(step.which));
      break;
    case 'evict':
      model.lose(name(step.which), { reason: 'Evicted', message: 'Its node had too little memory.' });
      break;
    case 'heal':
      model.heal(name(step.which));
      break;
    case 'delete':
      model.deleteAmphora(name(step.which));
      break;
    case 'suspend':
      model.edit((lb) => {
        lb.spec.suspend = step.on;
      });
      break;
    case 'request':
      model.edit((lb) => {
        lb.metadata.annotations = { [`reflavor.dev/${step.what}`]: `t${++token}` };
      });
      break;
    case 'forgetStatus':
      model.loadBalancer!.status = { observedGeneration: -1 };
  }
}

/** What must hold after each step, given what held before it. */
function check(model: Model, before: { serving: number; flavorId: string | undefined }, step: Step): void {
  const fail = (why: string) => {
    throw new Error(`${why} after ${JSON.stringify(step)}: ${JSON.stringify({ verdict: model.last?.verdict, status: model.status })}`);
  };
  const serving = model.serving();
  if (before.serving > 0 && serving.length === 0 && step.do !== 'lose' && step.do !== 'evict') fail('nothing serves');
  const { flavorId, conditions } = model.status;
  if (
    flavorId !== before.flavorId &&
    before.flavorId !== undefined &&
    flavorId !== undefined &&
    serving.some((a) => a.spec.flavorId !== flavorId)
  ) {
    fail(`flavor ${flavorId} was written while others still serve`);
  }
  if (isTrue(conditions, 'Reconciling') && isTrue(conditions, 'Stalled')) fail('Reconciling and Stalled at once');
  const observed = model.status.observedGeneration === model.loadBalancer!.metadata.generation;
  if (observed && isTrue(conditions, 'Ready') && flavorId !== (model.loadBalancer!.spec.flavorId ?? flavorId))
    fail('Ready with another flavor than the one wanted');
}

function explore(flavors: Record<string, ModelFlavor>, steps: Step[]): Model {
  const model = new Model(flavors, 'a', { settleSeconds: 1, verifySeconds: 2, drainSeconds: 5 });
  for (const step of [...Array<Step>(30).fill({ do: 'round' }), ...steps]) {
    const before = { serving: model.serving().length, flavorId: model.status.flavorId };
    take(model, step);
    check(model, before, step);
  }
  return model;
}

/** The world calms down: what was refused is mended, and nobody suspends. Then the object must come to rest where its spec or its conditions say. */
function settle(model: Model, slots: number): void {
  model.edition = 'mended';
  model.edit((lb) => {
    lb.spec.suspend = false;
  });
  const wanted = model.loadBalancer!.spec.flavorId!;
  const atRest = (m: Model) => {
    const { conditions, operation, flavorId } = m.status;
    const fit = [...m.amphorae.values()].map((a) => a.object).filter((a) => !isDraining(a) && a.spec.flavorId === flavorId);
    const exact = m.amphorae.size === slots && fit.length === slots && m.serving().length === slots && !fit.some(isDisrupted);
    const done = operation === undefined || operation.finishedAt !== undefined;
    const stalled = conditionOf(conditions, 'Stalled');
    const failedFailover = operation?.kind === 'Failover' && operation.result === 'Failed';
    const mayStall = flavorId !== wanted || failedFailover;
    const explained = mayStall ? stalled?.status === 'True' && stalled.message.length > 20 : isTrue(conditions, 'Ready');
    return done && exact && explained;
  };
  model.until(atRest, 3000);
}

const parameters = { numRuns: Number(process.env.FC_RUNS ?? 300), ...(process.env.FC_SEED ? { seed: Number(process.env.FC_SEED) } : {}) };

describe.each([
  ['SINGLE', single, 1],
  ['ACTIVE_STANDBY', pair, 2],
] as const)('whatever happens to a load balancer of topology %s', (_, flavors, slots) => {
  test('without a fault nothing ever takes its traffic away, and it comes to rest', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(...calm), { maxLength: 120 }), (steps) => {
        settle(explore(flavors, steps), slots);
      }),
      parameters,
    );
  });

  test('with amphorae lost, some of them to come back, and the status forgotten it comes to rest all the same', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(...calm, ...calm, ...faults), { maxLength: 120 }), (steps) => {
        settle(explore(flavors, steps), slots);
      }),
      parameters,
    );
  });
});
