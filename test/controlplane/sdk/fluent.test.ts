import { beforeAll, expect, test } from '@jest/globals';
import * as kfc from 'kubernetes-fluent-client';
import { cancel, Flavor, fromFluentClient, LoadBalancer, NotFound, resize, waitForResize } from '../../../src/sdk/index.ts';
import { useSetting } from './setting.ts';

const setting = useSetting();

beforeAll(() => {
  // kubernetes-fluent-client finds its cluster by itself.
  process.env.KUBECONFIG = setting.controlPlane.kubeconfigPath;
});

test('the kinds are those of kubernetes-fluent-client, once it was told of them', async () => {
  fromFluentClient(kfc);
  const ref = await setting.create();
  const read = await kfc.K8s(LoadBalancer).InNamespace(ref.namespace).Get(ref.name);
  expect(read.status?.flavorId).toBe('small');
  const made = await kfc.K8s(Flavor).Apply(new Flavor({ metadata: { name: 'by-fluent' }, spec: { flavorProfile: 'large' } }));
  expect(made.spec.enabled).toBe(true);
}, 90_000);

test('a resize, its wait and its cancel work by way of it', async () => {
  const client = fromFluentClient(kfc);
  // Whoever waits by way of it asks now and then: a resize goes on here only once it was seen to run.
  const ref = await setting.create({ strategy: { settleSeconds: 0, verifySeconds: 3600, drainSeconds: 2 } });
  const steps: string[] = [];
  let goesOn: Promise<void> | undefined;
  const done = await waitForResize(client, await resize(client, ref, 'large'), {
    onProgress: ({ state }) => {
      steps.push(state);
      if (state === 'Running') goesOn ??= setting.patch(ref, { strategy: { verifySeconds: 0 } });
    },
  });
  await goesOn;
  expect(done.status).toMatchObject({ flavorId: 'large', provisioningStatus: 'ACTIVE' });
  expect(steps).toContain('Running');
  await setting.patch(ref, { strategy: { verifySeconds: 3600 } });
  await resize(client, ref, 'small');
  await setting.until(ref, ({ status }) => expect(status?.operation?.step).toBe('Detached'));
  const back = await waitForResize(client, await cancel(client, ref));
  expect(back.status).toMatchObject({ flavorId: 'large', operation: { result: 'Cancelled' } });
}, 120_000);

test('its errors are those of the SDK', async () => {
  const client = fromFluentClient(kfc);
  await expect(resize(client, { name: 'nobody', namespace: 'default' }, 'large')).rejects.toBeInstanceOf(NotFound);
  const ref = await setting.create();
  const refused = await resize(client, ref, 'small-ha').catch((error) => error);
  expect(refused).toMatchObject({ name: 'Refused', message: expect.stringMatching(/^flavor "small-ha" has topology/) });
  await expect(resize(client, ref, 'large', { dryRun: true })).rejects.toThrow(/no dry run/);
  const reason = new Error('enough');
  await expect(waitForResize(client, ref, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
}, 90_000);
