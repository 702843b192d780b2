import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { conditionOf, type LoadBalancer } from '../../../src/api/index.ts';
import { eventually } from '../../support/eventually.ts';
import { usePlugin } from '../../support/kubectl-lb.ts';
import { useOpenstackClients } from '../../support/openstack.ts';
import { TestSink } from '../../support/sink.ts';
import { useRest } from '../rest/setting.ts';

/** The story that Octavia's resize proposal tells, from end to end; docs/proposal.md maps its sentences to these tests and others. */
describe('the resize proposal, as a user of OpenStack’s clients lives through it', () => {
  const clients = useOpenstackClients();
  const plugin = usePlugin();
  const sink = new TestSink();
  beforeAll(() => sink.start());
  afterAll(() => sink.stop());
  const { kubectl, world, ...rest } = useRest({}, () => ({ notificationsSink: sink.url }));

  /** A process of its own for each, as a user's. Its answers' HTTP codes come from what `--debug` shows of the requests. */
  const openstack = async (...args: string[]) => {
    const auth = ['--os-auth-type', 'admin_token', '--os-endpoint', rest.api().url, '--os-token', rest.token('writer')];
    const { code, stdout, stderr } = await clients.run('openstack', [...auth, '--debug', 'loadbalancer', ...args]);
    const [, http] = /REQ: curl .* -X (?:PUT|POST) .*\n(?:.*\n)*?RESP: \[(\d+)\]/m.exec(stderr) ?? [];
    return { code, http: Number(http), shown: stdout, said: stderr };
  };
  const get = async (): Promise<LoadBalancer> => JSON.parse(await kubectl('get', 'lb', 'web', '-n', 'team-a', '-o', 'json'));
  const until = (what: (lb: LoadBalancer) => void) =>
    eventually(
      async () => {
        const lb = await get();
        what(lb);
        return lb;
      },
      { withinMs: 60_000 },
    );
  const strategy = (verifySeconds: number) => {
    const spec = { strategy: { settleSeconds: 0, verifySeconds, drainSeconds: 0 } };
    return kubectl('patch', 'lb', 'web', '-n', 'team-a', '--type=merge', '-p', JSON.stringify({ spec }));
  };
  /** All but the edits of the strategy by which these tests keep their pace. */
  const events = () =>
    sink.heard.map(({ event }) => event).filter(({ subject, type }) => subject === 'team-a/web' && !type.includes('update'));
  const heard = (...types: string[]) =>
    eventually(() => expect(events().map(({ type }) => type.replace('octavia.loadbalancer.', ''))).toEqual(types), { withinMs: 60_000 });

  test('creates a load balancer', async () => {
    const { code, http, shown } = await openstack(
      ...['create', '--name', 'web', '--flavor', 'small', '--vip-subnet-id', 'cluster', '--wait', '-f', 'json'],
    );
    expect({ code, http }).toEqual({ code: 0, http: 201 });
    expect(JSON.parse(shown)).toMatchObject({ name: 'web', provisioning_status: 'ACTIVE', operating_status: 'ONLINE' });
    await heard('create.start', 'create.end');
  }, 120_000);

  test('resizes it, watches every goal, and hears of it', async () => {
    await strategy(3600);
    // Until it says that the new flavor is in force and nothing is left to do.
    let seen = '';
    const watched = plugin.run(rest.controlPlane.kubeconfigPath, ['status', 'web', '-n', 'team-a', '--watch'], {
      onOutput: (all, interrupt) => {
        seen = all;
        if (/ACTIVE {2}ONLINE .* flavor large\n/.test(all)) interrupt();
      },
    });
    const { code, http, shown } = await openstack('resize', '--flavor', 'large', 'web');
    expect({ code, http, shown }).toEqual({ code: 0, http: 202, shown: '' });
    // From the 202 on, whoever waits for ACTIVE waits for the end.
    const shownAtOnce = await openstack('show', 'web', '-f', 'value', '-c', 'provisioning_status');
    expect(shownAtOnce.shown.trim()).toBe('PENDING_UPDATE');
    await eventually(() => expect(seen).toMatch(/▸ Detached [\s\S]* NoLonger /), { withinMs: 60_000 });
    await strategy(0);
    const lb = await until((o) => expect(o.status?.flavorId).toBe('large'));
    expect(lb.status?.operation?.goals?.map(({ name }) => name)).toEqual([
      ...['Accepted', 'Recorded', 'Built', 'Configured', 'Verified', 'Attached', 'Detached', 'Committed'],
    ]);
    const trees = (await watched).stdout.split(/^(?=team-a\/web )/m);
    expect(trees.at(-1)).toMatch(/^team-a\/web {2}ACTIVE {2}ONLINE .* flavor large\n/);
    // The flavor is written last of all: until then the old one is in force, and the goals are ticked off one after the other.
    const during = trees.filter((tree) => tree.includes('▸ '));
    expect(during.length).toBeGreaterThan(0);
    for (const tree of during) expect(tree).toMatch(/^team-a\/web {2}PENDING_UPDATE {2}ONLINE .* flavor small, wanted large\n/);
    expect(during.at(-1)).toMatch(/✔ Attached .*\n(.*\n)*.*Amphora .* small .* NoLonger .*\n.*Amphora .* large .* Carries /);
    await heard('create.start', 'create.end', 'resize.start', 'resize.end');
    const [started, ended] = events().slice(-2);
    expect(started?.data).toMatchObject({ name: 'web', operation: { from_flavor_id: 'small', to_flavor_id: 'large' } });
    expect(ended?.data).toMatchObject({ loadbalancer_id: lb.metadata.uid, flavor: { id: 'large' } });
  }, 120_000);

  test('cancels the next by asking for the flavor in force', async () => {
    await strategy(3600);
    const before = (await get()).status?.amphorae?.map(({ name }) => name);
    expect(await openstack('resize', '--flavor', 'small', 'web')).toMatchObject({ code: 0, http: 202 });
    await until((o) => expect(o.status?.amphorae?.map(({ traffic }) => traffic)).toContain('NoLonger'));
    expect(await openstack('resize', '--flavor', 'large', '--wait', 'web')).toMatchObject({ code: 0, http: 202 });
    const lb = await until((o) => expect(o.status?.amphorae?.map(({ name }) => name)).toEqual(before));
    expect(lb.status).toMatchObject({ flavorId: 'large', provisioningStatus: 'ACTIVE', operation: { result: 'Cancelled' } });
    expect(conditionOf(lb.status?.conditions, 'Resizing')).toMatchObject({
      reason: 'ResizeCancelled',
      message: expect.stringContaining('flavorId was set back to large'),
    });
    await heard('create.start', 'create.end', 'resize.start', 'resize.end', 'resize.start', 'resize.cancel');
  }, 120_000);

  test('is refused a flavor of another topology, and one that is disabled, before anything starts', async () => {
    const before = await get();
    const topology = await openstack('resize', '--flavor', 'large-ha', '--wait', 'web');
    expect(topology).toMatchObject({ code: 1, http: 400 });
    expect(topology.said).toContain(
      "Validation failure: Flavor 'large-ha' has topology ACTIVE_STANDBY, the load balancer SINGLE, which a resize cannot change. " +
        'Choose a flavor of topology SINGLE, or create another load balancer. Nothing has changed: flavor large stays in force. (HTTP 400)',
    );
    const disabled = await openstack('resize', '--flavor', 'retired', 'web');
    expect(disabled).toMatchObject({ code: 1, http: 400 });
    expect(disabled.said).toContain('The selected flavor is not allowed in this deployment: retired. It is disabled');
    expect((await get()).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  }, 120_000);

  test('sees one that fails: ERROR, the flavor as before, the cause, and a repeat that goes through', async () => {
    await strategy(0);
    world.faults.inject({ kind: 'buildFails', reason: 'ImageNotFound', message: 'there is no image 9.9' }, { flavorId: 'small' });
    const failed = await openstack('resize', '--flavor', 'small', '--wait', 'web');
    expect(failed).toMatchObject({ code: 1, http: 202 });
    expect(failed.said).toContain('The resize to flavor small failed: the load balancer is in ERROR.');
    const lb = await get();
    expect(lb.status).toMatchObject({ flavorId: 'large', provisioningStatus: 'ERROR' });
    expect(conditionOf(lb.status?.conditions, 'Available')?.status).toBe('True');
    expect(conditionOf(lb.status?.conditions, 'Ready')?.message).toContain('there is no image 9.9');
    const cause = { result: 'Failed', reason: 'ImageNotFound', message: expect.stringContaining('there is no image 9.9') };
    await eventually(
      () => expect(events().at(-1)).toMatchObject({ type: 'octavia.loadbalancer.resize.error', data: { operation: cause } }),
      { withinMs: 30_000 },
    );
    world.faults.clear();
    expect(await openstack('resize', '--flavor', 'small', '--wait', 'web')).toMatchObject({ code: 0, http: 202 });
    expect((await get()).status).toMatchObject({ flavorId: 'small', provisioningStatus: 'ACTIVE' });
    await eventually(() => expect(events().at(-1)).toMatchObject({ type: 'octavia.loadbalancer.resize.end' }), { withinMs: 30_000 });
  }, 120_000);
});
