import { beforeAll, describe, expect, test } from '@jest/globals';
import { KubeConfig, KubernetesObjectApi } from '@kubernetes/client-node';
import {
  Amphora,
  type Client,
  cancel,
  Failed,
  Flavor,
  failover,
  findFlavor,
  fromKubeConfig,
  LoadBalancer,
  NotFound,
  OwnedByGitOps,
  type Progress,
  previewResize,
  Refused,
  resize,
  resizeProgress,
  retry,
  Superseded,
  Timeout,
  waitForFailover,
  waitForResize,
} from '../../../src/sdk/index.ts';
import { eventually } from '../../support/eventually.ts';
import { throughProxy } from '../../support/through-proxy.ts';
import { useSetting } from './setting.ts';

const setting = useSetting();
const { world, create, get, patch, until } = setting;
let client: Client;

const clientOf = (kubeconfigPath: string): { client: Client; kubeConfig: KubeConfig } => {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubeconfigPath);
  return { client: fromKubeConfig(kubeConfig), kubeConfig };
};
beforeAll(() => {
  client = clientOf(setting.controlPlane.kubeconfigPath).client;
});

/** Steps of a wait, as they come; `ended` is what it came to. */
function collected(steps: AsyncGenerator<Progress, LoadBalancer>): { seen: Progress[]; ended: Promise<LoadBalancer> } {
  const seen: Progress[] = [];
  const ended = (async () => {
    for (;;) {
      const { done, value } = await steps.next();
      if (done) return value;
      seen.push(value);
    }
  })();
  ended.catch(() => {});
  return { seen, ended };
}
/** Holds a resize at the goal Detached until the spec says otherwise. */
const slow = { strategy: { settleSeconds: 0, verifySeconds: 3600, drainSeconds: 2 } };
const finished = (loadBalancer: LoadBalancer, flavorId: string) => {
  expect(loadBalancer.status).toMatchObject({
    flavorId,
    provisioningStatus: 'ACTIVE',
    observedGeneration: loadBalancer.metadata.generation,
  });
  expect(loadBalancer.status?.operation?.finishedAt).toBeDefined();
};

describe('a resize by the SDK', () => {
  test('is waited for to its very end, each goal with its time, the connections of the old amphora on the way', async () => {
    const ref = await create();
    const [old] = await client
      .list(Amphora, { namespace: ref.namespace })
      .then((all) => all.filter((a) => a.spec.loadBalancer.name === ref.name));
    world.setConnections(old!.metadata.name, 7);
    const asked = await resize(client, ref, 'large');
    expect(asked).toMatchObject({ spec: { flavorId: 'large' }, status: { flavorId: 'small' } });
    const { seen, ended } = collected(resizeProgress(client, asked));
    const done = await ended;
    finished(done, 'large');
    const last = seen.at(-1)!;
    expect(last.goals.map(({ name, met }) => `${name} ${met}`)).toEqual(
      ['Accepted', 'Recorded', 'Built', 'Configured', 'Verified', 'Attached', 'Detached', 'Committed'].map((name) => `${name} true`),
    );
    expect(last.goals.every(({ afterSeconds }) => afterSeconds! >= 0 && afterSeconds! < 60)).toBe(true);
    expect(seen.map(({ elapsedSeconds }) => elapsedSeconds)).toEqual(
      seen.map(({ elapsedSeconds }) => elapsedSeconds).toSorted((a, b) => a - b),
    );
    expect(seen.flatMap(({ connectionsLeft }) => connectionsLeft).find(({ connections }) => connections >= 7)?.amphora).toBe(
      old!.metadata.name,
    );
  }, 90_000);

  test('to the flavor that is in force and asked for is over at once, and writes nothing', async () => {
    const ref = await create();
    const before = await get(ref);
    const asked = await resize(client, ref, 'small');
    expect(asked.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    finished(await waitForResize(client, asked), 'small');
  }, 90_000);

  test('is waited for by one who knows its address alone', async () => {
    const ref = await create();
    await patch(ref, { flavorId: 'large' });
    finished(await waitForResize(client, ref), 'large');
  }, 90_000);

  test('that the operator refuses is Refused with its reason', async () => {
    const ref = await create();
    const error = await waitForResize(client, await resize(client, ref, 'nonesuch')).catch((e) => e);
    expect(error).toBeInstanceOf(Refused);
    expect(error).toMatchObject({ reason: 'FlavorNotFound', message: expect.stringContaining('There is no Flavor nonesuch') });
  }, 90_000);

  test('that admission refuses is Refused in its words alone, and writes nothing', async () => {
    const ref = await create();
    const error = await eventually(async () => {
      const refused = await resize(client, ref, 'small-ha').catch((e) => e);
      expect(refused).toBeInstanceOf(Refused);
      return refused;
    });
    expect(error.message).toMatch(/^flavor "small-ha" has topology ACTIVE_STANDBY, and flavor "small" in force has SINGLE/);
    expect((await get(ref)).spec.flavorId).toBe('small');
  }, 90_000);

  test('that fails is Failed with the cause; a retry, or the same resize again, mends it', async () => {
    for (const again of [
      (ref: { name: string; namespace: string }) => retry(client, ref),
      (ref: { name: string; namespace: string }) => resize(client, ref, 'large'),
    ]) {
      const ref = await create();
      const mend = world.faults.inject(
        { kind: 'buildFails', reason: 'ImageNotFound', message: 'image 9.9 is not to be had' },
        { flavorId: 'large' },
      );
      const error = await waitForResize(client, await resize(client, ref, 'large')).catch((e) => e);
      expect(error).toBeInstanceOf(Failed);
      expect(error).toMatchObject({ reason: 'ImageNotFound' });
      expect(error.message).toContain('image 9.9 is not to be had. Flavor small is in force and serves.');
      // Asked while it fails still: not taken for done, nor for what came of the first time.
      expect(await waitForResize(client, await again(ref)).catch((e) => e)).toBeInstanceOf(Failed);
      mend();
      const done = await waitForResize(client, await again(ref));
      finished(done, 'large');
      expect(done.status?.operation?.attempt).toBe(3);
    }
  }, 180_000);

  test('that fails and is asked for again while it goes back is tried again after that', async () => {
    const ref = await create();
    const mend = world.faults.inject(
      { kind: 'buildFails', reason: 'ImageNotFound', message: 'image 9.9 is not to be had' },
      { flavorId: 'large' },
    );
    await patch(ref, { strategy: { settleSeconds: 3600 } });
    await resize(client, ref, 'large');
    await until(ref, ({ status }) => expect(status?.operation).toMatchObject({ to: 'large', result: 'Failed' }));
    expect((await get(ref)).status?.operation?.finishedAt).toBeUndefined();
    mend();
    const asked = await resize(client, ref, 'large');
    await patch(ref, { strategy: { settleSeconds: 0 } });
    const done = await waitForResize(client, asked);
    finished(done, 'large');
    expect(done.status?.operation).toMatchObject({ attempt: 2, result: 'Succeeded' });
  }, 90_000);

  test('that somebody else takes for another is Superseded while that one still runs', async () => {
    await setting.controlPlane.kubectl(['apply', '-f', '-'], {
      input: JSON.stringify({
        apiVersion: 'reflavor.dev/v1alpha1',
        kind: 'Flavor',
        metadata: { name: 'medium' },
        spec: { flavorProfile: 'large' },
      }),
    });
    const ref = await create(slow);
    const { ended } = collected(resizeProgress(client, await resize(client, ref, 'large')));
    await until(ref, ({ status }) => expect(status?.operation?.step).toBe('Detached'));
    await resize(client, ref, 'medium');
    expect(await ended.catch((e) => e)).toBeInstanceOf(Superseded);
    expect((await get(ref)).status?.flavorId).toBe('small');
  }, 90_000);
});

describe('a cancel by the SDK', () => {
  test('goes back to the flavor in force, and is waited for', async () => {
    const ref = await create(slow);
    const { ended } = collected(resizeProgress(client, await resize(client, ref, 'large')));
    await until(ref, ({ status }) => expect(status?.operation?.step).toBe('Detached'));
    const asked = await cancel(client, ref);
    expect(asked.spec.flavorId).toBe('small');
    const done = await waitForResize(client, asked);
    finished(done, 'small');
    expect(done.status?.operation).toMatchObject({ result: 'Cancelled', to: 'large' });
    await expect(ended).rejects.toMatchObject({ name: 'Cancelled' });
  }, 90_000);

  test('clears what was refused, and is Refused itself where there is nothing to take back', async () => {
    const ref = await create();
    await expect(cancel(client, ref)).rejects.toMatchObject({ name: 'Refused', reason: 'NothingToCancel' });
    await waitForResize(client, await resize(client, ref, 'nonesuch')).catch(() => {});
    finished(await waitForResize(client, await cancel(client, ref)), 'small');
    await expect(retry(client, ref)).rejects.toMatchObject({ name: 'Refused', reason: 'NothingToRetry' });
  }, 90_000);

  test('that comes after the commit begins no resize back', async () => {
    const ref = await create();
    await waitForResize(client, await resize(client, ref, 'large'));
    // As one would who read the object just before the end.
    const stale: Client = {
      ...client,
      get: (() => {
        let first = true;
        return async <T>(...args: Parameters<Client['get']>) => {
          const object = (await client.get(...args)) as LoadBalancer;
          if (first) object.status!.flavorId = 'small';
          if (first) object.metadata.resourceVersion = '1';
          first = false;
          return object as T;
        };
      })() as Client['get'],
    };
    await expect(cancel(stale, ref)).rejects.toMatchObject({ reason: 'NothingToCancel' });
    expect((await get(ref)).spec.flavorId).toBe('large');
  }, 90_000);
});

describe('a failover by the SDK', () => {
  test('is over when every amphora is a new one', async () => {
    const ref = await create();
    const amphorae = async () =>
      (await client.list(Amphora, ref)).filter((a) => a.spec.loadBalancer.name === ref.name).map((a) => a.metadata.name);
    const before = await amphorae();
    const done = await waitForFailover(client, await failover(client, ref));
    finished(done, 'small');
    expect(done.status?.operation).toMatchObject({ kind: 'Failover', result: 'Succeeded' });
    expect(done.status?.amphorae?.filter(({ traffic }) => traffic === 'Carries').map(({ name }) => name)).not.toEqual(before);
  }, 90_000);
});

describe('what is written from Git', () => {
  const kustomize = async (ref: { name: string; namespace: string }) => {
    const object = { apiVersion: 'reflavor.dev/v1alpha1', kind: 'LoadBalancer', metadata: ref, spec: { flavorId: 'small' } };
    await setting.controlPlane.kubectl(['apply', '--server-side', '--force-conflicts', '--field-manager=kustomize-controller', '-f', '-'], {
      input: JSON.stringify(object),
    });
  };

  test('is not resized past its owner, who is named, unless that is forced', async () => {
    const ref = await create();
    await kustomize(ref);
    const error = await resize(client, ref, 'large').catch((e) => e);
    expect(error).toBeInstanceOf(OwnedByGitOps);
    expect(error).toMatchObject({ owners: ['kustomize-controller'] });
    expect((await get(ref)).spec.flavorId).toBe('small');
    finished(await waitForResize(client, await resize(client, ref, 'large', { force: true, fieldManager: 'somebody' })), 'large');
    const { managedFields = [] } = (await get(ref)).metadata;
    const owners = managedFields.filter(({ fieldsV1 }) => JSON.stringify(fieldsV1).includes('f:flavorId')).map(({ manager }) => manager);
    expect(owners).toContain('somebody');
    expect(owners).not.toContain('kustomize-controller');
  }, 90_000);

  test('is told of by a preview, with all else that stands against it', async () => {
    const ref = await create({ suspend: false });
    await kustomize(ref);
    await patch(ref, { suspend: true });
    const preview = await previewResize(client, ref, 'large');
    expect(preview).toMatchObject({ act: 'Resize', from: 'small', to: 'large' });
    expect(preview.refusals.map(({ reason }) => reason)).toEqual(['OwnedByGitOps']);
    expect(preview.warnings.map(({ reason }) => reason)).toEqual(['Suspended']);
    const uid = (await client.get(Flavor, { name: 'small-ha' })).metadata.uid!;
    const refused = await previewResize(client, ref, uid, { force: true });
    expect(refused.to).toBe('small-ha');
    expect(refused.refusals.map(({ reason }) => reason)).toEqual(['TopologyChange']);
    expect((await previewResize(client, ref, 'nonesuch')).refusals[0]).toMatchObject({ reason: 'FlavorNotFound' });
    expect((await get(ref)).spec.flavorId).toBe('small');
  }, 90_000);
});

describe('a wait', () => {
  test('survives watches that are cut, and an API server that is away, and does not return early', async () => {
    const access = await throughProxy(setting.controlPlane);
    try {
      const proxied = clientOf(access.kubeconfigPath).client;
      const ref = await create(slow);
      const { seen, ended } = collected(resizeProgress(proxied, await resize(proxied, ref, 'large')));
      let over: unknown;
      ended.then((done) => (over = done)).catch((error) => (over = error));
      for (let cut = 0; cut < 3; cut++) {
        await eventually(() => expect(access.proxy.open).toBeGreaterThan(0));
        access.proxy.reset();
        await eventually(() => expect(access.proxy.open).toBeGreaterThan(0), { withinMs: 30_000 });
      }
      await setting.controlPlane.stopApiServer('SIGKILL');
      await setting.controlPlane.startApiServer();
      expect(over).toBeUndefined();
      await patch(ref, { strategy: { ...slow.strategy, verifySeconds: 1 } });
      finished(await ended, 'large');
      expect(seen.length).toBeGreaterThan(3);
    } finally {
      await access.close();
    }
  }, 180_000);

  test('goes on after its watch has gone blind', async () => {
    const access = await throughProxy(setting.controlPlane);
    try {
      const proxied = clientOf(access.kubeconfigPath).client;
      const ref = await create(slow);
      const { seen, ended } = collected(resizeProgress(proxied, await resize(proxied, ref, 'large')));
      await eventually(() => expect(seen.at(-1)?.goal).toBe('Detached'));
      access.proxy.fallSilent();
      access.proxy.speakAgain();
      await patch(ref, { strategy: { ...slow.strategy, verifySeconds: 1 } });
      finished(await ended, 'large');
    } finally {
      await access.close();
    }
  }, 120_000);

  test('ends with the caller’s own reason when it is aborted, and leaves the resize alone', async () => {
    const ref = await create(slow);
    const stop = new AbortController();
    const { seen, ended } = collected(resizeProgress(client, await resize(client, ref, 'large'), { signal: stop.signal }));
    await eventually(() => expect(seen.length).toBeGreaterThan(0));
    const reason = new Error('enough');
    const abortedAt = performance.now();
    stop.abort(reason);
    await expect(ended).rejects.toBe(reason);
    expect(performance.now() - abortedAt).toBeLessThan(1000);
    expect((await get(ref)).spec.flavorId).toBe('large');
    await expect(resize(client, ref, 'small', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  }, 90_000);

  test('that is left in the middle of its iteration leaves no watch open', async () => {
    const access = await throughProxy(setting.controlPlane);
    try {
      const proxied = clientOf(access.kubeconfigPath).client;
      const ref = await create(slow);
      for await (const step of resizeProgress(proxied, await resize(proxied, ref, 'large'))) if (step.state === 'Running') break;
      await eventually(() => expect(access.proxy.open).toBe(0));
    } finally {
      await access.close();
    }
  }, 90_000);

  test('times out with what was being waited for', async () => {
    const ref = await create(slow);
    const error = await waitForResize(client, await resize(client, ref, 'large'), { timeoutSeconds: 1 }).catch((e) => e);
    expect(error).toBeInstanceOf(Timeout);
    expect(error.message).toMatch(new RegExp(`^load balancer ${ref.name}: not done within 1 s; it goes on. .+`));
  }, 90_000);

  test('ends with NotFound when the load balancer is deleted, or never was', async () => {
    const ref = await create(slow);
    const { ended } = collected(resizeProgress(client, await resize(client, ref, 'large')));
    await setting.controlPlane.kubectl(['delete', 'lb', ref.name, '--wait=false']);
    expect(await ended.catch((e) => e)).toBeInstanceOf(NotFound);
    await expect(waitForResize(client, { name: 'nobody', namespace: 'default' })).rejects.toBeInstanceOf(NotFound);
    await expect(resize(client, { name: 'nobody', namespace: 'default' }, 'large')).rejects.toBeInstanceOf(NotFound);
  }, 90_000);

  test('polls where the user may read but not watch', async () => {
    await setting.controlPlane.kubectl([
      'create',
      'clusterrole',
      'lb-resizer',
      '--verb=get,patch',
      '--resource=loadbalancers.reflavor.dev',
    ]);
    await setting.controlPlane.kubectl(['create', 'clusterrolebinding', 'lb-resizer', '--clusterrole=lb-resizer', '--user=resizer']);
    const limited = clientOf(await setting.controlPlane.userKubeconfig({ user: 'resizer' })).client;
    const ref = await create();
    await eventually(() => limited.get(LoadBalancer, ref));
    finished(await waitForResize(limited, await resize(limited, ref, 'large')), 'large');
    await expect(findFlavor(limited, 'large')).rejects.toMatchObject({ name: 'ApiError', status: 403 });
    expect((await previewResize(limited, ref, 'small')).warnings.map(({ reason }) => reason)).toEqual(['FlavorUnknown']);
  }, 90_000);
});

test('a flavor is found by its name and by its uid', async () => {
  const { metadata } = await client.get(Flavor, { name: 'large' });
  expect((await findFlavor(client, metadata.uid!)).metadata.name).toBe('large');
  expect((await findFlavor(client, 'large')).metadata.uid).toBe(metadata.uid);
  await expect(findFlavor(client, 'nonesuch')).rejects.toThrow(/there is no flavor nonesuch: choose .*large, .*small/);
});

test('the kinds are those of client-node’s KubernetesObjectApi', async () => {
  const { kubeConfig } = clientOf(setting.controlPlane.kubeconfigPath);
  const api = KubernetesObjectApi.makeApiClient(kubeConfig);
  const ref = await create();
  const { apiVersion, kind } = new LoadBalancer();
  const read = await api.read<LoadBalancer>({ apiVersion, kind, metadata: ref });
  expect(read.spec.flavorId).toBe('small');
  const made = await api.create<Flavor>(new Flavor({ metadata: { name: 'by-object-api' }, spec: { flavorProfile: 'large' } }));
  expect(made.spec.enabled).toBe(true);
}, 90_000);
