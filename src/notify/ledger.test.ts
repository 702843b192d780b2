import { describe, expect, test } from '@jest/globals';
import type { LoadBalancer, LoadBalancerStatus, Operation } from '../api/index.ts';
import { ledgerOf, overflowOf, untold } from './ledger.ts';
import { specHash } from './notifications.ts';

const over = (number: number): Operation => ({
  number,
  kind: 'Resize',
  from: 'small',
  to: 'large',
  attempt: 1,
  startedAt: '2026-01-01T00:00:00Z',
  finishedAt: '2026-01-01T00:01:00Z',
  result: 'Succeeded',
});
const running = (number: number): Operation => ({ ...over(number), finishedAt: undefined, result: undefined });

const status = (more: Partial<LoadBalancerStatus> = {}): LoadBalancerStatus => ({ observedGeneration: 1, flavorId: 'small', ...more });

function loadBalancer(of?: Partial<LoadBalancerStatus>, description = 'first'): LoadBalancer {
  const spec = { description } as LoadBalancer['spec'];
  const metadata = { name: 'web', namespace: 'default', uid: 'uid-1', generation: 1 };
  return { apiVersion: 'reflavor.dev/v1alpha1', kind: 'LoadBalancer', metadata, spec, status: of && status(of) };
}

const none = { ids: new Set<string>() };
const having = (...ids: string[]) => ({ ids: new Set(ids) });
const ids = (notifications: { id: string }[]) => notifications.map(({ id }) => id);

describe('what is still to be told', () => {
  test('is nothing before the status says from where on', () => {
    expect(untold(loadBalancer({ operation: over(1) }), none)).toEqual([]);
  });

  test('is what was delivered neither by the status nor by this process, the oldest first', () => {
    const lb = loadBalancer({ history: [over(2), over(1)], operation: running(3), notifications: { delivered: ['1-start', '1-end'] } });
    expect(ids(untold(lb, having('2-start')))).toEqual(['2-end', '3-start']);
  });
});

describe('the ledger', () => {
  test('of a new load balancer is empty, so that its whole life is told', () => {
    const lb = loadBalancer();
    const after = status({ flavorId: undefined, operation: running(1) });
    expect(ledgerOf(lb, after, none)).toEqual({ delivered: [], specHash: specHash(lb) });
  });

  test('of one that was there before the sink starts with all that had happened', () => {
    const lb = loadBalancer({ history: [over(1)], operation: running(2) });
    expect(ledgerOf(lb, status({ history: [over(1)], operation: over(2) }), none)).toEqual({
      delivered: ['1-start', '1-end', '2-start'],
      specHash: specHash(lb),
    });
  });

  test('takes up what was delivered, and drops what has left the history', () => {
    const lb = loadBalancer({ history: [over(1)], operation: over(2), notifications: { delivered: ['1-start', '1-end'], specHash: 'h' } });
    const after = status({ history: [over(2)], operation: running(3) });
    expect(ledgerOf(lb, after, having('2-start')).delivered).toEqual(['2-start']);
  });

  test('keeps what was told of the present generation, though the cause has passed', () => {
    const lb = loadBalancer({ notifications: { delivered: ['g0-update-error', 'g1-update-error'], specHash: 'h' } });
    expect(ledgerOf(lb, status(), none).delivered).toEqual(['g1-update-error']);
  });

  test('follows the spec until the load balancer is created; from then on, what was delivered', () => {
    const creating = { ...loadBalancer(), status: { observedGeneration: 1, notifications: { delivered: [], specHash: 'old' } } };
    expect(ledgerOf(creating, status(), none).specHash).toBe(specHash(creating));
    const lb = loadBalancer({ notifications: { delivered: [], specHash: 'old' } }, 'second');
    expect(ledgerOf(lb, status(), none).specHash).toBe('old');
    expect(ledgerOf(lb, status(), { ids: new Set(), specHash: 'new' }).specHash).toBe('new');
  });

  test('holds no more than the schema allows', () => {
    const many = Array.from({ length: 80 }, (_, i) => `g1-${i}`);
    expect(ledgerOf(loadBalancer({ notifications: { delivered: many, specHash: 'h' } }), status(), none).delivered).toEqual(
      many.slice(-64),
    );
  });
});

describe('what is lost', () => {
  const before = loadBalancer({ history: [over(2), over(1)], operation: over(3), notifications: { delivered: ['1-start'] } });

  test('is what leaves the history before it was delivered', () => {
    expect(ids(overflowOf(before, status({ history: [over(3), over(2)], operation: running(4) }), none))).toEqual(['1-end']);
    expect(overflowOf(before, status({ history: [over(3), over(2)], operation: running(4) }), having('1-end'))).toEqual([]);
  });

  test('is nothing while the history has room', () => {
    expect(overflowOf(before, status({ history: [over(3), over(2), over(1)], operation: running(4) }), none)).toEqual([]);
  });
});

test('the hash of a spec is the same whether its defaults were filled in or not, and whatever its flavor', () => {
  const lb = (spec: object) => ({ spec: spec as LoadBalancer['spec'] });
  const hash = specHash(lb({ flavorId: 'small', description: 'a' }));
  expect(hash).toMatch(/^[0-9a-f]{16}$/);
  expect(specHash(lb({ flavorId: 'large', description: 'a', adminStateUp: true, suspend: true, vip: {} }))).toBe(hash);
  expect(specHash(lb({ flavorId: 'small', description: 'b' }))).not.toBe(hash);
});
