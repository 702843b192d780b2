import { describe, expect, test } from '@jest/globals';
import { buildAmphora } from '../../../test/contract/builders.ts';
import type { Amphora, AmphoraStatus } from '../../api/index.ts';
import { isWorthWriting } from './status.ts';

const at = (seconds: number) => new Date(1_700_000_000_000 + seconds * 1000).toISOString();
const seenAt = (seconds: number, { quietSince = 0, total = 7, current = 0 } = {}): AmphoraStatus => ({
  attached: false,
  connections: { current, total, quietSince: at(quietSince), observedAt: at(seconds) },
});
const known = (steering: Amphora['spec']['steering'], status: AmphoraStatus): Amphora => {
  const amphora = buildAmphora({ name: 'a' });
  return { ...amphora, spec: { ...amphora.spec, steering }, status };
};

describe('a status in which nothing but counters can differ', () => {
  test('is not written for one that serves while they stand still, however long', () => {
    const serving = known('Attached', { ...seenAt(0), attached: true });
    expect(isWorthWriting(serving, { ...seenAt(3600, { quietSince: 3600 }), attached: true }, 3000)).toBe(false);
  });

  test('is written for one that serves once they are news for 15 s', () => {
    const serving = known('Attached', { ...seenAt(0), attached: true });
    const later = (seconds: number) => ({ ...seenAt(seconds, { total: 8, quietSince: seconds }), attached: true });
    expect(isWorthWriting(serving, later(14), 3000)).toBe(false);
    expect(isWorthWriting(serving, later(15), 3000)).toBe(true);
  });

  test('is written while it is awaited that no new connection comes, and not beyond', () => {
    const left = (seconds: number) => known('Detached', { ...seenAt(seconds), steeredAt: at(0) });
    expect(isWorthWriting(left(2), { ...seenAt(3), steeredAt: at(0) }, 3000)).toBe(true);
    expect(isWorthWriting(left(3), { ...seenAt(4), steeredAt: at(0) }, 3000)).toBe(false);
  });

  test('is not written for one that has never been behind the VIP: nobody waits for it to be quiet', () => {
    expect(isWorthWriting(known('Detached', seenAt(0)), seenAt(10), 3000)).toBe(false);
  });

  test('is written at once for anything else that is new', () => {
    expect(isWorthWriting(known('Detached', seenAt(0)), { ...seenAt(0.1), attached: true }, 3000)).toBe(true);
    expect(isWorthWriting(buildAmphora({ name: 'a' }), seenAt(0), 3000)).toBe(true);
  });
});
