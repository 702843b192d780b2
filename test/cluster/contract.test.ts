import { jest } from '@jest/globals';
import { describeDriverContract } from '../contract/driver-contract.ts';
import { useDriverPlace } from './driver-setting.ts';

jest.setTimeout(180_000);

const place = useDriverPlace();

describeDriverContract('kubernetes', async () => {
  const { driver, restarted, dispose } = await place.set();
  return {
    driver,
    restarted: () => restarted,
    // The first is one that only root may listen on elsewhere.
    ports: [80, 8443],
    members: place.members(),
    crash: (amphora) => place.signal(amphora, 'SIGKILL'),
    vipAddress: place.vipAddress(),
    patienceMs: 60_000,
    dispose,
  };
});
