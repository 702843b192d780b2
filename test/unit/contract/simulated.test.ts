import { SimulatedDriver } from '../../../src/provider/amphora/simulated/driver.ts';
import { SimulatedWorld } from '../../../src/provider/amphora/simulated/world.ts';
import { describeDriverContract } from '../../contract/driver-contract.ts';

describeDriverContract('simulated', async () => {
  const world = new SimulatedWorld();
  const hasBrokenRegex = 'quantifier does not follow a repeatable item: the regex "([" of an L7 rule';
  world.faults.inject({
    kind: 'configurationRefused',
    message: hasBrokenRegex,
    matches: ({ listeners }) =>
      listeners.some(({ l7Policies }) => l7Policies?.some(({ rules }) => rules?.some(({ value }) => value === '(['))),
  });
  return {
    driver: new SimulatedDriver(world),
    restarted: () => new SimulatedDriver(world),
    ports: [8080, 8443],
    members: [
      { address: '127.0.0.1', protocolPort: 9001 },
      { address: '127.0.0.1', protocolPort: 9002 },
    ],
    crash: async (amphora) => world.crash(amphora.metadata.name),
    vipAddress: '127.128.0.7',
    dispose: async () => {},
  };
});
