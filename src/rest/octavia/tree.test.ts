import { describe, expect, test } from '@jest/globals';
import { created, fault, listener, pool, treeOf } from '../../../test/support/octavia-scene.ts';
import { keyFor } from './names.ts';

describe('a load balancer created in one call', () => {
  test('pools are described once, wherever that is, and named elsewhere', () => {
    const tree = treeOf(
      created({
        listeners: [
          listener({ default_pool: pool() }),
          listener({ protocol_port: 81, default_pool: { name: 'app' } }),
          listener({ protocol_port: 82, l7policies: [{ action: 'REDIRECT_TO_POOL', redirect_pool: { name: 'alone' } }] }),
        ],
        pools: [pool({ name: 'alone' })],
      }),
    );
    const [alone, app] = tree.pools;
    expect(tree.pools.map(({ name }) => name)).toEqual(['alone', 'app']);
    expect(tree.listeners).toMatchObject([
      { default_pool_id: app!.id },
      { default_pool_id: app!.id },
      { default_pool_id: null, l7policies: [{ redirect_pool_id: alone!.id }] },
    ]);
  });

  test('pools whose names become the same key are told apart', () => {
    const tree = treeOf(created({ listeners: [listener({ default_pool: { name: 'APP' } })], pools: [pool(), pool({ name: 'APP' })] }));
    expect(tree.pools.map(({ name }) => name)).toEqual(['app', 'APP']);
    expect(tree.listeners[0]!.default_pool_id).toBe(tree.pools[1]!.id);
  });

  test.each([
    [
      'a pool of a listener without a name',
      { listeners: [listener({ default_pool: pool({ name: undefined }) })] },
      400,
      'Pools must be named',
    ],
    ['two pools of one name', { pools: [pool(), pool()] }, 400, 'Pool names must be unique'],
    [
      'a pool that is described twice',
      { listeners: [listener({ default_pool: pool() })], pools: [pool()] },
      400,
      'Pool names must be unique',
    ],
    [
      'a pool that is nowhere described',
      { listeners: [listener({ default_pool: { name: 'x' } })] },
      400,
      "Pool 'x' was referenced but no full definition was found.",
    ],
    [
      'a pool without an algorithm',
      { pools: [{ name: 'x', protocol: 'HTTP' }] },
      400,
      "Pool definition for 'x' missing required attribute: lb_algorithm",
    ],
    [
      'two listeners on one port',
      { listeners: [listener(), listener({ name: 'b' })] },
      409,
      'already using protocol HTTP and protocol_port 80',
    ],
    [
      'an attribute that no member has',
      { pools: [pool({ members: [{ address: '10.0.0.1', protocol_port: 80, colour: 1 }] })] },
      400,
      'Unknown attribute for argument pools.members: colour',
    ],
  ])('%s is refused', (_, body, status, words) => {
    expect(() => created(body)).toThrow(fault(status, words));
  });
});

describe('the notes', () => {
  test('that were damaged by hand are as good as none', () => {
    const lb = created({ listeners: [listener({ name: 'Web!', tags: ['a'] })] });
    for (const damaged of ['{', '[]', '{"listeners/web":{"tags":"a"}}']) {
      lb.metadata.annotations = { 'reflavor.dev/octavia': damaged };
      expect(treeOf(lb).listeners[0]).toMatchObject({ name: 'web', tags: [] });
    }
  });

  test('are not there for children that need none', () => {
    expect(created({ pools: [pool()], listeners: [listener()] }).metadata).not.toHaveProperty('annotations');
  });

  test('are refused where they are longer than an annotation may be', () => {
    const tags = Array.from({ length: 64 }, (_, i) => `${i}`.padEnd(255, 'x'));
    const pools = Array.from({ length: 16 }, (_, i) => pool({ name: `p${i}`, tags }));
    expect(() => created({ pools })).toThrow(fault(403, 'Names and tags of all children are too long together: shorten them.'));
  });
});

describe('keyFor', () => {
  test('keeps what is left of a name, makes it one that is free, and is never longer than a DNS label', () => {
    const taken = new Set(['web', 'web-2', 'a'.repeat(63)]);
    expect(keyFor('web', taken, 'pool')).toBe('web-3');
    expect(keyFor('Ünï côde', new Set(), 'pool')).toBe('uni-code');
    expect(keyFor('***', new Set(['pool']), 'pool')).toBe('pool-2');
    expect(keyFor('a'.repeat(255), taken, 'pool')).toBe(`${'a'.repeat(61)}-2`);
  });
});
