import { describe, expect, test } from '@jest/globals';
import { type LoadBalancer, LoadBalancerSpec, type LoadBalancerStatus, type Operation } from '../api/index.ts';
import { resizeChange, withChange } from './resize.ts';

const owner = (manager: string) => ({ manager, operation: 'Apply', fieldsV1: { 'f:spec': { 'f:flavorId': {} } } });

/** A load balancer of flavor small, whose operator has seen its present spec. */
function lb({
  metadata = {},
  spec = {},
  status = {},
}: {
  metadata?: object;
  spec?: object;
  status?: Partial<LoadBalancerStatus>;
} = {}): LoadBalancer {
  return {
    apiVersion: 'reflavor.dev/v1alpha1',
    kind: 'LoadBalancer',
    metadata: { name: 'web', namespace: 'shop', uid: 'uid-1', generation: 2, ...metadata },
    spec: LoadBalancerSpec.parse({ flavorId: 'small', ...spec }),
    status: { observedGeneration: 2, flavorId: 'small', topology: 'SINGLE', provisioningStatus: 'ACTIVE', ...status },
  };
}
const flavor = (name: string, more: object = {}) => ({
  name,
  flavor: { name, enabled: true, provider: 'amphora', topology: 'SINGLE' as const, ...more },
});
const change = (loadBalancer: LoadBalancer, to: Parameters<typeof resizeChange>[1], managers: string[] = [], force = false) =>
  resizeChange(loadBalancer, to, { managers, force });

const operation = (more: Partial<Operation> = {}): Operation => ({
  ...{ number: 2, kind: 'Resize', from: 'small', to: 'large', attempt: 1, startedAt: '2026-01-01T00:00:00Z' },
  ...more,
});
const running = { spec: { flavorId: 'large' }, status: { provisioningStatus: 'PENDING_UPDATE' as const, operation: operation() } };
const goingBack = {
  ...running,
  status: { provisioningStatus: 'PENDING_UPDATE' as const, operation: operation({ result: 'Failed' }) },
};
const failed = { spec: { flavorId: 'large' }, status: { provisioningStatus: 'ERROR' as const, failedFlavorId: 'large' } };

describe('resizeChange', () => {
  test.each([
    ['another flavor, at rest', lb(), 'large', { flavorId: 'large' }],
    ['the flavor in force, at rest', lb(), 'small', {}],
    ['the flavor in force, where the spec names none', lb({ spec: { flavorId: undefined } }), 'small', {}],
    ['the flavor in force, while a resize runs: a cancel', lb(running), 'small', { flavorId: 'small' }],
    ['the very flavor that it is resized to', lb(running), 'large', {}],
    ['a third one while a resize runs: it gives way', lb(running), 'huge', { flavorId: 'huge' }],
    ['the flavor that failed: a retry', lb(failed), 'large', { retry: true }],
    [
      'the flavor that failed, after a failover has cleared ERROR: a retry',
      lb({ spec: { flavorId: 'large' }, status: { failedFlavorId: 'large' } }),
      'large',
      { retry: true },
    ],
    [
      'the flavor that failed, in the middle of that failover: a retry after it',
      lb({
        spec: { flavorId: 'large' },
        status: {
          ...{ provisioningStatus: 'PENDING_UPDATE', failedFlavorId: 'large' },
          operation: operation({ kind: 'Failover', to: 'small' }),
        },
      }),
      'large',
      { retry: true },
    ],
    ['the flavor that failed, while that goes back: a retry after it', lb(goingBack), 'large', { retry: true }],
    [
      'the flavor that failed, while that goes back, after it was taken back',
      lb({ ...goingBack, spec: { flavorId: 'small' } }),
      'large',
      { flavorId: 'large', retry: true },
    ],
    [
      'a flavor whose failure was taken back: a first try again',
      lb({ status: { operation: operation({ result: 'Failed', finishedAt: '2026-01-01T00:01:00Z' }) } }),
      'large',
      { flavorId: 'large' },
    ],
    ['the flavor that the operator refused, which is fit by now', lb({ spec: { flavorId: 'large' } }), 'large', { retry: true }],
    ['the flavor in force after a failure', lb(failed), 'small', { flavorId: 'small' }],
    [
      'the flavor in force in ERROR, as after a failover that failed',
      lb({ status: { provisioningStatus: 'ERROR' } }),
      'small',
      { retry: true },
    ],
    [
      'the flavor that failed, after it was taken back and before the operator saw that',
      lb({ status: { failedFlavorId: 'large' }, metadata: { generation: 3 } }),
      'large',
      { flavorId: 'large', retry: true },
    ],
    [
      'a flavor for one that was never created, since its first was refused',
      lb({ spec: { flavorId: 'none' }, status: { flavorId: undefined, topology: undefined, provisioningStatus: 'ERROR' } }),
      'large',
      { flavorId: 'large' },
    ],
  ])('%s', (_, loadBalancer, to, wanted) => {
    expect(change(loadBalancer, flavor(to))).toEqual(wanted);
  });

  test('the flavor in force may be gone or disabled: the way back is always open', () => {
    expect(change(lb(running), { name: 'small', flavor: undefined })).toEqual({ flavorId: 'small' });
    expect(change(lb(running), flavor('small', { enabled: false }))).toEqual({ flavorId: 'small' });
  });

  test('a flavor that the spec asks for all the same, though there is none, is refused', () => {
    expect(() => change(lb({ spec: { flavorId: 'none' } }), { name: 'none', flavor: undefined })).toThrow('There is no flavor none');
  });

  test('a retry of a flavor that was disabled meanwhile is refused, not left pending for ever', () => {
    expect(() => change(lb(failed), flavor('large', { enabled: false }))).toThrow('It is disabled');
  });

  test.each([
    ['deleted', lb({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }), 'Invalid state PENDING_DELETE'],
    ['suspended', lb({ spec: { suspend: true } }), 'Set spec.suspend of LoadBalancer shop/web to false first.'],
    [
      'not seen by the operator yet',
      lb({ status: { observedGeneration: -1, flavorId: undefined, provisioningStatus: undefined } }),
      'PENDING_CREATE',
    ],
    ['being created', lb({ status: { flavorId: undefined, provisioningStatus: 'PENDING_CREATE' } }), 'PENDING_CREATE'],
  ])('one that is %s takes none: 409', (_, loadBalancer, words) => {
    expect(() => change(loadBalancer, flavor('large'))).toThrow(
      expect.objectContaining({ status: 409, message: expect.stringContaining(words) }),
    );
  });

  test('a manager of the list that owns the flavor must be overruled, any other is taken over', () => {
    const owned = lb({ metadata: { managedFields: [owner('my-gitops'), owner('kubectl-client-side-apply')] } });
    expect(change(owned, flavor('large'), ['argocd-*'])).toEqual({ flavorId: 'large' });
    expect(() => change(owned, flavor('large'), ['my-*'])).toThrow('belongs to my-gitops, which would write it back');
    expect(change(owned, flavor('large'), ['my-*'], true)).toEqual({ flavorId: 'large' });
  });

  test('what writes no flavor asks nobody: a retry is no change of Git’s', () => {
    const owned = lb({ ...failed, metadata: { managedFields: [owner('my-gitops')] } });
    expect(change(owned, flavor('large'), ['my-*'])).toEqual({ retry: true });
  });
});

describe('withChange', () => {
  test('nothing to change leaves the very object', () => {
    const before = lb();
    expect(withChange(before, {}, 'token')).toBe(before);
  });

  test('writes the flavor alone, and a retry as a token beside other annotations', () => {
    const before = lb({ metadata: { annotations: { a: 'b' } } });
    expect(withChange(before, { flavorId: 'large' }, 'token')).toEqual({ ...before, spec: { ...before.spec, flavorId: 'large' } });
    expect(withChange(before, { retry: true }, 'token').metadata.annotations).toEqual({ a: 'b', 'reflavor.dev/retry': 'token' });
  });
});
