import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Layout, writeWhole } from './layout.ts';

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

test('a file that can not be written leaves nothing of the try behind', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'reflavor-layout-'));
  try {
    await mkdir(join(dir, 'taken'));
    await expect(writeWhole(join(dir, 'taken'), 'text')).rejects.toThrow();
    expect(await readdir(dir)).toEqual(['taken']);
  } finally {
    await rm(dir, { recursive: true });
  }
});
