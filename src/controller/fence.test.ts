import { expect, test } from '@jest/globals';
import { buildAmphora, buildConfiguration } from '../../test/contract/builders.ts';
import { SimulatedDriver } from '../provider/amphora/simulated/driver.ts';
import { SimulatedWorld } from '../provider/amphora/simulated/world.ts';
import { fenced, MARGIN_MS } from './fence.ts';

const vip = { namespace: 'default', name: 'web', uid: 'web-uid' };
const amphora = buildAmphora({ name: 'web-1-0' });
const configuration = buildConfiguration({ amphora, ports: [] });

test('begins no act in the last moments of a lease, nor after it, and still says how things are', async () => {
  let heldForMs = Number.POSITIVE_INFINITY;
  const world = new SimulatedWorld();
  const driver = fenced(new SimulatedDriver(world), () => heldForMs);
  await driver.ensureVip(vip, [80]);
  const before = await driver.observeVip(vip);

  for (const left of [MARGIN_MS - 1, 0]) {
    heldForMs = left;
    const acts = {
      ensureVip: () => driver.ensureVip(vip, []),
      releaseVip: () => driver.releaseVip(vip),
      build: () => driver.build(amphora, configuration),
      configure: () => driver.configure(amphora, configuration),
      attach: () => driver.attach(amphora),
      detach: () => driver.detach(amphora),
      drain: () => driver.drain(amphora),
      destroy: () => driver.destroy(amphora),
    };
    for (const act of Object.values(acts)) await expect(act()).rejects.toThrow(/the lease is lost/);
    expect(await driver.observeVip(vip)).toEqual(before);
    expect(await driver.observe(amphora)).toMatchObject({ running: false });
    expect(await driver.list(vip)).toEqual([]);
  }

  heldForMs = MARGIN_MS;
  await driver.releaseVip(vip);
  expect(await driver.observeVip(vip)).toBeUndefined();
});
