import type { AmphoraDriver } from '../../src/provider/amphora/driver.ts';

/** The names of the amphorae that exist for a load balancer, sorted. */
export const namesOfExisting = async (driver: Pick<AmphoraDriver, 'list'>, loadBalancer: Parameters<AmphoraDriver['list']>[0]) =>
  (await driver.list(loadBalancer)).map(({ name }) => name);
