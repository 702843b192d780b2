import { jest } from '@jest/globals';
import { ProcessDriver } from '../../../src/provider/amphora/process/driver.ts';
import { describeDriverContract } from '../../contract/driver-contract.ts';
import { processSetting, signalAmphora } from '../process/setting.ts';

jest.setTimeout(60_000);

describeDriverContract('process', async () => {
  const { stateDir, driver, members, ports, dispose } = await processSetting();
  return {
    driver,
    restarted: () => new ProcessDriver({ stateDir }),
    ports,
    members: members.map(({ address, port }) => ({ address, protocolPort: port })).sort((a, b) => a.protocolPort - b.protocolPort),
    crash: (amphora) => signalAmphora(amphora, stateDir, 'SIGKILL'),
    vipAddress: '127.200.14.7',
    dispose,
  };
});
