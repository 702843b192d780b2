import { describe, expect, test } from '@jest/globals';
import { stickTablesSynced } from './peers-state.ts';

describe('stick tables', () => {
  const peers = [{ peer: 0, address: '10.0.0.1' }];
  const show = (flags: string) =>
    `0x5601: [23/Nov/2026:00:15:57] id=amphorae disabled=0 flags=${flags} resync_timeout=<PAST>\n  0x5602: id=peer2(remote,active)\n        flags=0x203\n`;

  test.each([
    ['0x203', true, 'learnt from another amphora, HAProxy 2.6'],
    ['0x103', true, 'learnt from the process before a reload, HAProxy 2.6'],
    ['0x2000003', true, 'learnt from another amphora, HAProxy 3'],
    ['0x33', false, 'given up, HAProxy 2.6'],
    ['0x300003', false, 'given up, HAProxy 3'],
    ['0x5', false, 'under way'],
    ['0x0', false, 'not begun'],
  ] as const)('with flags %s: synced is %s (%s)', (flags, synced, _why) => {
    expect(stickTablesSynced(show(flags), peers)).toBe(synced);
  });

  test('that there are none of, or that nobody has to learn, are synced', () => {
    expect(stickTablesSynced('\n', peers)).toBe(true);
    expect(stickTablesSynced(show('0x0'), [{ peer: 0 }])).toBe(true);
  });
});
