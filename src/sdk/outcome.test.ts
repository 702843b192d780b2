import { describe, expect, test } from '@jest/globals';
import { Cancelled, Failed, NotFound, Refused, Superseded } from './errors.ts';
import { LoadBalancer, type ObjectMeta } from './kinds.ts';
import { type Aim, aimOf, outcomeOf } from './outcome.ts';
import type { LoadBalancerStatus, Operation } from './types.ts';

const startedAt = '2026-01-01T00:00:00Z';
const over = { startedAt, finishedAt: '2026-01-01T00:00:09Z' };
const run = (number: number, to: string, more: Partial<Operation> = {}): Operation => ({ number, kind: 'Resize', to, startedAt, ...more });

/** At generation 2, seen by the operator, `small` in force and `large` asked for. */
function loadBalancer(
  status: Partial<LoadBalancerStatus> = {},
  { flavorId = 'large', ...metadata }: Partial<ObjectMeta> & { flavorId?: string } = {},
) {
  const object = new LoadBalancer({ metadata: { name: 'web', generation: 2, ...metadata }, spec: { flavorId } });
  object.status = { observedGeneration: 2, flavorId: 'small', provisioningStatus: 'ACTIVE', lastOperationNumber: 4, ...status };
  return object;
}
const aim: Aim = { kind: 'Resize', flavorId: 'large', since: 3 };
const errorOf = (object: LoadBalancer, wanted = aim) => {
  const outcome = outcomeOf(object, wanted);
  return outcome.is === 'Over' ? outcome.error : outcome.is;
};
const ready = (reason: string, message: string) => [
  { type: 'Ready', status: 'False' as const, reason, message, lastTransitionTime: startedAt },
];

describe('a wait for a resize goes on', () => {
  test.each([
    [
      'while the generation was not observed, though the status speaks of an earlier end',
      loadBalancer({ flavorId: 'large' }, { generation: 3 }),
    ],
    ['while the operation runs', loadBalancer({ operation: run(4, 'large') })],
    ['while it goes back', loadBalancer({ operation: run(4, 'large', { result: 'Cancelled' }) }, { flavorId: 'small' })],
    [
      'while the end is not yet told in the conditions',
      loadBalancer({
        flavorId: 'large',
        provisioningStatus: 'PENDING_UPDATE',
        operation: run(4, 'large', { ...over, result: 'Succeeded' }),
      }),
    ],
    [
      'while a retry was not taken up',
      loadBalancer(
        { failedFlavorId: 'large', operation: run(4, 'large', { ...over, result: 'Failed' }) },
        { annotations: { 'reflavor.dev/retry': 'now' } },
      ),
    ],
    [
      'while a retry was not taken up, whose refusal would be an old one',
      loadBalancer({ resize: 'Refused', conditions: ready('FlavorDisabled', 'no') }, { annotations: { 'reflavor.dev/retry': 'now' } }),
    ],
    ['while another operation ends first', loadBalancer({ operation: run(4, 'medium', { result: 'Superseded' }) })],
    ['while nothing was begun, as under suspend', loadBalancer()],
  ])('%s', (_, object) => expect(outcomeOf(object, aim)).toEqual({ is: 'Waiting' }));
});

describe('a wait for a resize ends', () => {
  test('well, once the flavor is in force and nothing is left to do', () => {
    expect(outcomeOf(loadBalancer({ flavorId: 'large', operation: run(4, 'large', { ...over, result: 'Succeeded' }) }), aim)).toEqual({
      is: 'Done',
    });
  });

  test('well, when it was reached though another resize has begun since', () => {
    const history = [run(4, 'large', { ...over, result: 'Succeeded' })];
    expect(outcomeOf(loadBalancer({ flavorId: 'large', operation: run(5, 'huge'), history }, { flavorId: 'huge' }), aim)).toEqual({
      is: 'Done',
    });
  });

  test('with the operator’s reason when the flavor is refused', () => {
    const error = errorOf(loadBalancer({ resize: 'Refused', conditions: ready('FlavorDisabled', 'Flavor large is disabled.') }));
    expect(error).toBeInstanceOf(Refused);
    expect(error).toMatchObject({ reason: 'FlavorDisabled', message: 'Flavor large is disabled.' });
  });

  test('with what it failed of, and what serves', () => {
    const operation = run(4, 'large', { ...over, result: 'Failed', reason: 'ImageNotFound', message: 'image 9 is not to be had' });
    const error = errorOf(loadBalancer({ provisioningStatus: 'ERROR', failedFlavorId: 'large', operation }));
    expect(error).toBeInstanceOf(Failed);
    expect(error).toMatchObject({
      reason: 'ImageNotFound',
      message: 'the resize to large of load balancer web failed: image 9 is not to be had. Flavor small is in force and serves.',
    });
  });

  test('with the failure also where a failover came after it', () => {
    const history = [run(4, 'large', { ...over, result: 'Failed', reason: 'AmphoraBootFailed' })];
    const operation = run(5, 'small', { ...over, kind: 'Failover', result: 'Succeeded' });
    expect(errorOf(loadBalancer({ failedFlavorId: 'large', operation, history }))).toMatchObject({ reason: 'AmphoraBootFailed' });
  });

  test('with Cancelled when somebody set the flavor back, begun or not', () => {
    const operation = run(4, 'large', { ...over, result: 'Cancelled' });
    expect(errorOf(loadBalancer({ operation }, { flavorId: 'small' }))).toBeInstanceOf(Cancelled);
    expect(errorOf(loadBalancer({ operation: run(3, 'small', over) }, { flavorId: 'small' }))).toBeInstanceOf(Cancelled);
  });

  test('with Superseded when somebody asked for another, without waiting for that one', () => {
    const history = [run(4, 'large', { ...over, result: 'Superseded' })];
    expect(errorOf(loadBalancer({ operation: run(5, 'huge'), history }, { flavorId: 'huge' }))).toBeInstanceOf(Superseded);
  });

  test('with Superseded, not well, when an earlier resize to that flavor had been', () => {
    const history = [run(2, 'large', { ...over, result: 'Succeeded' })];
    expect(errorOf(loadBalancer({ operation: run(5, 'huge'), history }, { flavorId: 'huge' }))).toBeInstanceOf(Superseded);
  });

  test('with NotFound when it is being deleted', () => {
    expect(errorOf(loadBalancer({}, { deletionTimestamp: startedAt }))).toBeInstanceOf(NotFound);
  });
});

describe('the aim', () => {
  test('counts the operation at hand, and not one that was over', () => {
    expect(aimOf(loadBalancer({ operation: run(4, 'large') }), 'Resize')).toEqual(aim);
    expect(aimOf(loadBalancer({ operation: run(4, 'large', over) }), 'Resize')).toEqual({ ...aim, since: 4 });
  });

  test('is the flavor in force where none is asked for', () => {
    const unset = loadBalancer();
    unset.spec.flavorId = undefined;
    expect(aimOf(unset, 'Resize').flavorId).toBe('small');
  });
});

describe('a wait for a failover', () => {
  const failover: Aim = { kind: 'Failover', flavorId: 'small', since: 3 };
  const done = (result: Operation['result'], kind: Operation['kind'] = 'Failover') =>
    loadBalancer({ operation: run(4, 'small', { ...over, kind, result }) }, { flavorId: 'small' });

  test('goes on until one was begun after it was asked for', () => {
    const before = loadBalancer({ operation: run(3, 'small', { ...over, kind: 'Failover', result: 'Succeeded' }) }, { flavorId: 'small' });
    expect(outcomeOf(before, failover)).toEqual({ is: 'Waiting' });
    expect(outcomeOf(done('Succeeded'), failover)).toEqual({ is: 'Done' });
  });

  test('is answered by a resize that begins at the same moment', () =>
    expect(outcomeOf(done('Succeeded', 'Resize'), failover)).toEqual({ is: 'Done' }));

  test('tells a failure, also when a retry was waited for as a resize', () => {
    expect(errorOf(done('Failed'), failover)).toBeInstanceOf(Failed);
    expect(errorOf(done('Failed'), { ...failover, kind: 'Resize' })).toBeInstanceOf(Failed);
  });
});
