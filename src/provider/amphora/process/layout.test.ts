import { expect, test } from '@jest/globals';
import { Layout } from './layout.ts';

test('a state folder whose sockets would have too long a path is refused, with the remedy', () => {
  expect(() => new Layout(`/${'a'.repeat(90)}`)).toThrow(/--state-dir/);
  const longest = new Layout(`/${'a'.repeat(70)}`);
  expect(longest.vip('lb-uid').masterSocket.length + '.4194304.tmp'.length).toBeLessThanOrEqual(107);
});

test('no name leads out of the state folder', () => {
  const layout = new Layout('/state');
  for (const name of ['..', '../other', 'a/b', '', '.hidden']) {
    expect(() => layout.amphora('lb-uid', name)).toThrow(RangeError);
    expect(() => layout.vip(name)).toThrow(RangeError);
  }
  expect(layout.amphora('lb-uid', 'web-amp-1').dir).toBe('/state/loadbalancers/lb-uid/amphorae/web-amp-1');
});
