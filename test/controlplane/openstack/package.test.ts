import { expect, test } from '@jest/globals';
import { useOpenstackClients } from '../../support/openstack.ts';

const clients = useOpenstackClients();

test('the tests of clients/openstack pass, on the package as pip installs it', async () => {
  const { code, stdout } = await clients.run('pytest', ['-q']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^[1-9]\d* passed in /m) });
}, 120_000);
