import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { useOpenstackClients } from '../../support/openstack.ts';
import { useRest } from '../rest/setting.ts';

const clients = useOpenstackClients();
const { kubectl, ...rest } = useRest();

test('openstacksdk, unmodified but for the resize, does all that the openstack command does', async () => {
  // A resize at the pace of a test, as soon as the script has made the load balancer.
  const patch = JSON.stringify({ spec: { strategy: { settleSeconds: 0, verifySeconds: 0, drainSeconds: 0 } } });
  const quick = eventually(() => kubectl('patch', 'lb', 'web', '-n', 'team-a', '--type=merge', '-p', patch), { withinMs: 60_000 });
  const script = join(import.meta.dirname, 'sdk.py');
  const [{ code, stdout, stderr }] = await Promise.all([
    clients.run('python', ['-W', 'ignore', script, rest.api().url, rest.token('root')]),
    quick,
  ]);
  expect({ code, stderr, steps: stdout.trim().split('\n') }).toEqual({
    code: 0,
    stderr: '',
    steps: ['flavors', 'create', 'edit', 'failover', 'resize', 'delete'],
  });
  expect(await kubectl('get', 'lb,amp', '-A', '-o', 'name')).toBe('');
}, 180_000);
