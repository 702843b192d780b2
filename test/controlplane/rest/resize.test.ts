import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { LoadBalancer } from '../../../src/api/index.ts';
import { eventually } from '../../support/eventually.ts';
import { useRest } from './setting.ts';

const rest = useRest();
const { as, kubectl, create, until, world } = rest;
let count = 0;
let name: string;
const flavorIds = new Map<string, string>();

beforeAll(async () => {
  const { body } = await as('reader', 'GET', 'flavors');
  for (const { name, id } of body.flavors) flavorIds.set(name, id);
});
beforeEach(() => {
  name = `lb-${++count}`;
  world.faults.clear();
});

const get = async (): Promise<LoadBalancer> => JSON.parse(await kubectl('get', 'lb', name, '-n', 'team-a', '-o', 'json'));
const resize = (id: string, flavor: unknown, more: object = {}) =>
  as('writer', 'PUT', `loadbalancers/${id}/resize`, { new_flavor_id: flavor, ...more });
const active = (id: string, flavor: string) => until(id, { provisioning_status: 'ACTIVE', flavor_id: flavorIds.get(flavor) });
const fault = (status: number, words: string) => ({
  status,
  body: { faultcode: 'Client', faultstring: expect.stringContaining(words), debuginfo: null },
});
/** A load balancer that is ACTIVE with flavor small. */
async function small(): Promise<string> {
  const id = await create(name);
  await active(id, 'small');
  return id;
}
const strategy = (patch: object) =>
  kubectl('patch', 'lb', name, '-n', 'team-a', '--type=merge', `--patch=${JSON.stringify({ spec: { strategy: patch } })}`);

describe('PUT /v2.0/lbaas/loadbalancers/{id}/resize', () => {
  test.each([
    ['the id', () => flavorIds.get('large')],
    ['the name', () => 'large'],
  ])(
    'takes %s of a flavor, shows PENDING_UPDATE from the 202 on, and the new flavor at the end',
    async (_, flavor) => {
      const id = await small();
      // Nobody is there to see to it: what the API says at once does not come from the operator.
      await rest.operator().stop();
      try {
        const pending = { provisioning_status: 'PENDING_UPDATE', flavor_id: flavorIds.get('small') };
        expect(await resize(id, flavor())).toMatchObject({ status: 202, body: { loadbalancer: { id, ...pending } } });
        expect((await as('reader', 'GET', `loadbalancers/${id}`)).body.loadbalancer).toMatchObject(pending);
        expect((await as('reader', 'GET', `loadbalancers?id=${id}`)).body.loadbalancers).toEqual([expect.objectContaining(pending)]);
      } finally {
        rest.operator().start();
      }
      await active(id, 'large');
      expect((await get()).status?.operation).toMatchObject({ kind: 'Resize', from: 'small', to: 'large', result: 'Succeeded' });
    },
    90_000,
  );

  test('changes flavorId and nothing else, and takes it over from kubectl apply', async () => {
    const manifest = {
      apiVersion: 'reflavor.dev/v1alpha1',
      kind: 'LoadBalancer',
      metadata: { name, namespace: 'team-a' },
      spec: { flavorId: 'small', description: 'mine', strategy: { settleSeconds: 0, verifySeconds: 0, drainSeconds: 0 } },
    };
    await rest.controlPlane.kubectl(['apply', '-f', '-'], { input: JSON.stringify(manifest) });
    const before = await get();
    const id = before.metadata.uid!;
    await active(id, 'small');
    expect((await resize(id, 'large')).status).toBe(202);
    const after = await get();
    expect(after.spec).toEqual({ ...before.spec, flavorId: 'large' });
    expect(after.metadata.annotations).toEqual(before.metadata.annotations);
    const fields = JSON.parse(await kubectl('get', 'lb', name, '-n', 'team-a', '-o', 'json', '--show-managed-fields')).metadata
      .managedFields as {
      manager: string;
      fieldsV1: { 'f:spec'?: object };
    }[];
    expect(fields.find(({ manager }) => manager === 'reflavor-api')?.fieldsV1['f:spec']).toEqual({ 'f:flavorId': {} });
    expect(fields.find(({ manager }) => manager === 'kubectl-client-side-apply')?.fieldsV1['f:spec']).not.toHaveProperty('f:flavorId');
    await active(id, 'large');
  }, 90_000);

  test('of the flavor in force changes nothing', async () => {
    const id = await small();
    const before = await get();
    const { status, body } = await resize(id, 'small');
    expect({ status, state: body.loadbalancer.provisioning_status }).toEqual({ status: 202, state: 'ACTIVE' });
    expect((await get()).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  }, 90_000);

  test('in the middle of another cancels it with the flavor in force, and supersedes it with a third', async () => {
    await rest.controlPlane.kubectl(['apply', '-f', '-'], {
      input: JSON.stringify({
        apiVersion: 'reflavor.dev/v1alpha1',
        kind: 'Flavor',
        metadata: { name: 'third' },
        spec: { flavorProfile: 'large' },
      }),
    });
    const id = await small();
    await strategy({ verifySeconds: 3600 });
    await resize(id, 'large');
    const goals = async () => (await get()).status?.operation?.goals?.map((goal) => goal.name);
    await eventually(async () => expect(await goals()).toContain('Attached'), { withinMs: 30_000 });
    expect(await resize(id, 'third')).toMatchObject({ status: 202, body: { loadbalancer: { provisioning_status: 'PENDING_UPDATE' } } });
    await eventually(async () => expect((await get()).status?.operation).toMatchObject({ to: 'third' }), { withinMs: 30_000 });
    await eventually(async () => expect(await goals()).toContain('Attached'), { withinMs: 30_000 });
    expect(await resize(id, 'small')).toMatchObject({ status: 202, body: { loadbalancer: { provisioning_status: 'PENDING_UPDATE' } } });
    await active(id, 'small');
    const { operation, history } = (await get()).status!;
    expect(operation).toMatchObject({ kind: 'Resize', to: 'third', result: 'Cancelled' });
    expect(history?.[0]).toMatchObject({ kind: 'Resize', to: 'large', result: 'Superseded' });
  }, 120_000);

  test('of the flavor that failed tries it again', async () => {
    const id = await small();
    const mend = world.faults.inject({ kind: 'buildFails', reason: 'ImageNotFound', message: 'no such image' }, { flavorId: 'large' });
    await resize(id, 'large');
    await until(id, { provisioning_status: 'ERROR', flavor_id: flavorIds.get('small') });
    mend();
    expect(await resize(id, 'large')).toMatchObject({ status: 202, body: { loadbalancer: { provisioning_status: 'PENDING_UPDATE' } } });
    await active(id, 'large');
    expect((await get()).status?.operation).toMatchObject({ attempt: 2, result: 'Succeeded' });
  }, 90_000);

  test('of the flavor that failed tries it again, also after a failover has cleared ERROR', async () => {
    const id = await small();
    const mend = world.faults.inject({ kind: 'buildFails', reason: 'ImageNotFound', message: 'no such image' }, { flavorId: 'large' });
    await resize(id, 'large');
    await until(id, { provisioning_status: 'ERROR', flavor_id: flavorIds.get('small') });
    expect((await as('admin', 'PUT', `loadbalancers/${id}/failover`)).status).toBe(202);
    await active(id, 'small');
    expect((await get()).status).toMatchObject({ failedFlavorId: 'large', operation: { kind: 'Failover', result: 'Succeeded' } });
    mend();
    expect(await resize(id, 'large')).toMatchObject({ status: 202, body: { loadbalancer: { provisioning_status: 'PENDING_UPDATE' } } });
    await active(id, 'large');
    expect((await get()).status?.operation).toMatchObject({ kind: 'Resize', to: 'large', result: 'Succeeded' });
  }, 90_000);

  test('of the flavor that fails, while that goes back, tries it again after', async () => {
    const id = await small();
    const mend = world.faults.inject({ kind: 'buildFails', reason: 'ImageNotFound', message: 'no such image' }, { flavorId: 'large' });
    await strategy({ settleSeconds: 3600 });
    await resize(id, 'large');
    await eventually(
      async () => expect((await get()).status?.operation).toEqual(expect.objectContaining({ to: 'large', result: 'Failed' })),
      { withinMs: 30_000 },
    );
    expect((await get()).status?.operation?.finishedAt).toBeUndefined();
    mend();
    expect(await resize(id, 'large')).toMatchObject({ status: 202, body: { loadbalancer: { provisioning_status: 'PENDING_UPDATE' } } });
    await strategy({ settleSeconds: 0 });
    await active(id, 'large');
    const { operation, history } = (await get()).status!;
    expect(operation).toMatchObject({ to: 'large', attempt: 2, result: 'Succeeded' });
    expect(history?.[0]).toMatchObject({ to: 'large', result: 'Failed' });
  }, 90_000);

  test('of the flavor in force takes a failed one back', async () => {
    const id = await small();
    world.faults.inject({ kind: 'buildFails', reason: 'ImageNotFound', message: 'no such image' }, { flavorId: 'large' });
    await resize(id, 'large');
    await until(id, { provisioning_status: 'ERROR' });
    expect(await resize(id, 'small')).toMatchObject({ status: 202, body: { loadbalancer: { provisioning_status: 'PENDING_UPDATE' } } });
    await active(id, 'small');
  }, 90_000);
});

describe('a resize is refused, and nothing is changed,', () => {
  let id: string;
  beforeAll(async () => {
    name = 'refused';
    id = await create(name);
    await active(id, 'small');
  }, 90_000);
  beforeEach(() => {
    name = 'refused';
  });

  test.each([
    ['a body without a flavor', {}, "Invalid input for field/attribute new_flavor_id. Value: 'None'. Mandatory field missing."],
    ['a flavor that is no text', { new_flavor_id: 7 }, "Invalid input for field/attribute new_flavor_id. Value: '7'."],
    ['an attribute that there is none of', { new_flavor_id: 'large', flavour: 1 }, 'Unknown attribute for argument body: flavour'],
    [
      'a flavor that there is none of',
      { new_flavor_id: 'huge' },
      'Validation failure: Invalid new_flavor_id. There is no flavor huge: choose one',
    ],
    [
      'a disabled flavor',
      { new_flavor_id: 'retired' },
      'The selected flavor is not allowed in this deployment: retired. It is disabled: choose',
    ],
    [
      'another topology',
      { new_flavor_id: 'small-ha' },
      'has topology ACTIVE_STANDBY, the load balancer SINGLE, which a resize cannot change. Choose',
    ],
    [
      'another provider',
      { new_flavor_id: 'alien' },
      "Flavor 'alien' is not compatible with provider 'amphora'. It belongs to provider 'ovn': choose",
    ],
  ])('with 400 for %s', async (_, body, words) => {
    await rest.controlPlane.kubectl(['apply', '-f', '-'], {
      input: ['FlavorProfile', 'Flavor']
        .map((kind) =>
          JSON.stringify({
            apiVersion: 'reflavor.dev/v1alpha1',
            kind,
            metadata: { name: 'alien' },
            spec: kind === 'Flavor' ? { flavorProfile: 'alien' } : { provider: 'ovn' },
          }),
        )
        .join('\n---\n'),
    });
    const before = await get();
    expect(await as('writer', 'PUT', `loadbalancers/${id}/resize`, body)).toMatchObject(fault(400, words));
    expect((await get()).metadata.generation).toBe(before.metadata.generation);
  });

  test('with 400 for a body that is no JSON, or none', async () => {
    const put = (body?: string) =>
      fetch(`${rest.api().url}/v2.0/lbaas/loadbalancers/${id}/resize`, {
        method: 'PUT',
        headers: { 'X-Auth-Token': rest.token('writer') },
        body,
      });
    const answer = async (response: Response) => ({ status: response.status, body: await response.json() });
    expect(await answer(await put('{"new_fl'))).toMatchObject(fault(400, 'The body is no valid JSON: send one JSON object.'));
    expect(await answer(await put())).toMatchObject(fault(400, "Invalid input for field/attribute body. Value: 'None'."));
  });

  test('with 401 without a token and with one that is not valid, whatever else is wrong', async () => {
    const words = 'The request you have made requires authentication';
    expect(await rest.api().call(undefined, 'PUT', 'loadbalancers/x/resize')).toMatchObject(fault(401, words));
    const { headers, ...answer } = await rest.api().call('nonsense', 'PUT', `loadbalancers/${id}/resize`, { new_flavor_id: 'large' });
    expect(answer).toMatchObject(fault(401, words));
    expect(headers.get('WWW-Authenticate')).toMatch(/^Bearer/);
  });

  test.each(['reader', 'stranger'] as const)('with 403 for a %s', async (who) => {
    const right = 'may not update loadbalancers/resize.reflavor.dev in project team-a. An admin can give that right';
    expect(await as(who, 'PUT', `loadbalancers/${id}/resize`, { new_flavor_id: 'large' })).toMatchObject(fault(403, right));
  });

  test('with 404 for a load balancer that there is none of', async () => {
    const nowhere = '0b9e4fd2-7a8c-4a3d-9a07-5d3f1c2b4e6a';
    expect(await resize(nowhere, 'large')).toMatchObject(fault(404, `Load Balancer ${nowhere} not found.`));
  });

  test('with 409 while it is created', async () => {
    name = 'slow';
    world.faults.inject({ kind: 'neverReady' });
    const slow = await create(name);
    expect(await resize(slow, 'large')).toMatchObject(fault(409, `Invalid state PENDING_CREATE of loadbalancer resource ${slow}`));
  });

  test('with 409 while it is suspended', async () => {
    const suspend = (on: boolean) => kubectl('patch', 'lb', name, '-n', 'team-a', '--type=merge', `--patch={"spec":{"suspend":${on}}}`);
    await suspend(true);
    expect(await resize(id, 'large')).toMatchObject(fault(409, 'Set spec.suspend of LoadBalancer team-a/refused to false first'));
    await suspend(false);
    await active(id, 'small');
  }, 90_000);

  test.each(['kustomize-controller', 'helm-controller', 'argocd-controller'])(
    'with 409 that names %s where that owns the flavor, unless forced',
    async (manager) => {
      name = `gitops-${manager}`.slice(0, 40);
      const manifest = {
        apiVersion: 'reflavor.dev/v1alpha1',
        kind: 'LoadBalancer',
        metadata: { name, namespace: 'team-a' },
        spec: { flavorId: 'small', strategy: { settleSeconds: 0, verifySeconds: 0, drainSeconds: 0 } },
      };
      const apply = () =>
        rest.controlPlane.kubectl(['apply', '--server-side', `--field-manager=${manager}`, '-f', '-'], { input: JSON.stringify(manifest) });
      await apply();
      const id = (await get()).metadata.uid!;
      await active(id, 'small');
      expect(await resize(id, 'large')).toMatchObject(
        fault(409, `The flavor of LoadBalancer team-a/${name} belongs to ${manager}, which would write it back: change flavorId where`),
      );
      expect((await resize(id, 'large', { force: true })).status).toBe(202);
      await active(id, 'large');
    },
    90_000,
  );

  test('with 409 while it is deleted', async () => {
    name = 'going';
    const going = await small();
    await kubectl('patch', 'lb', name, '-n', 'team-a', '--type=merge', '--patch={"metadata":{"finalizers":["example.org/hold"]}}');
    await kubectl('delete', 'lb', name, '-n', 'team-a', '--wait=false');
    expect(await resize(going, 'large')).toMatchObject(fault(409, `Invalid state PENDING_DELETE of loadbalancer resource ${going}`));
    await kubectl('patch', 'lb', name, '-n', 'team-a', '--type=json', '--patch=[{"op":"remove","path":"/metadata/finalizers"}]');
  }, 90_000);
});

describe('a load balancer whose flavor the operator refuses', () => {
  test('is ACTIVE with the one in force, is told so by 400 again, and is not pending for a retry by annotation', async () => {
    const id = await small();
    const refused = () =>
      eventually(
        async () => {
          const lb = await get();
          expect(lb.status).toMatchObject({ resize: 'Refused', observedGeneration: lb.metadata.generation });
          expect(lb.status?.handledRequests?.retry).toBe(lb.metadata.annotations?.['reflavor.dev/retry']);
        },
        { withinMs: 30_000 },
      );
    await kubectl('patch', 'lb', name, '-n', 'team-a', '--type=merge', '--patch={"spec":{"flavorId":"nowhere"}}');
    await refused();
    const { metadata } = await get();
    expect(await resize(id, 'nowhere')).toMatchObject(fault(400, 'There is no flavor nowhere: choose one'));
    expect((await get()).metadata.resourceVersion).toBe(metadata.resourceVersion);
    await kubectl('annotate', 'lb', name, '-n', 'team-a', 'reflavor.dev/retry=once-more');
    await refused();
    await active(id, 'small');
  }, 90_000);
});

describe('DELETE …/resize', () => {
  test('is no way to cancel, and deletes nothing', async () => {
    const id = await small();
    await strategy({ verifySeconds: 3600 });
    await resize(id, 'large');
    for (const path of [`loadbalancers/${id}/resize`, `loadbalancers/${id}/resize/`, `loadbalancers/${id}/resize?cascade=true`])
      expect((await as('root', 'DELETE', path)).status).toBe(404);
    const { metadata, spec } = await get();
    expect({ deleted: metadata.deletionTimestamp, flavorId: spec.flavorId }).toEqual({ deleted: undefined, flavorId: 'large' });
  }, 90_000);
});

describe('PUT /v2.0/lbaas/loadbalancers/{id}/failover', () => {
  test('replaces the amphorae for an admin: 202 without a body, and PENDING_UPDATE at once', async () => {
    const id = await small();
    const amphorae = async () =>
      (await as('admin', 'GET', `/v2.0/octavia/amphorae?loadbalancer_id=${id}&project_id=team-a`)).body.amphorae as { id: string }[];
    const [before] = await amphorae();
    await rest.operator().stop();
    try {
      expect(await as('admin', 'PUT', `loadbalancers/${id}/failover`, {})).toMatchObject({ status: 202, body: undefined });
      await until(id, { provisioning_status: 'PENDING_UPDATE' });
      expect(await as('admin', 'PUT', `loadbalancers/${id}/failover`)).toMatchObject(
        fault(409, `Invalid state PENDING_UPDATE of loadbalancer resource ${id}`),
      );
    } finally {
      rest.operator().start();
    }
    await active(id, 'small');
    expect((await get()).status?.operation).toMatchObject({ kind: 'Failover', result: 'Succeeded' });
    await eventually(
      async () => {
        const now = await amphorae();
        expect(now).toHaveLength(1);
        expect(now[0]!.id).not.toBe(before!.id);
      },
      { withinMs: 30_000 },
    );
  }, 90_000);

  test('is not for a writer, and takes no attributes', async () => {
    const id = await small();
    expect(await as('writer', 'PUT', `loadbalancers/${id}/failover`)).toMatchObject(
      fault(403, 'update loadbalancers/failover.reflavor.dev in project team-a'),
    );
    expect(await as('admin', 'PUT', `loadbalancers/${id}/failover`, { flavor: 'large' })).toMatchObject(
      fault(400, 'Unknown attribute for argument body: flavor'),
    );
    expect((await get()).metadata.annotations ?? {}).not.toHaveProperty('reflavor.dev/failover');
  }, 90_000);
});
