import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Connection } from '../../../src/kube/connection.ts';
import {
  isAlreadyExists,
  isConflict,
  isForbidden,
  isInvalid,
  isNotFound,
  isTransient,
  isUnreachable,
  KubeError,
} from '../../../src/kube/errors.ts';
import { HttpKubeClient } from '../../../src/kube/http-client.ts';
import { connect } from '../../../src/kube/index.ts';
import { loadKubeConfig } from '../../../src/kube/kubeconfig.ts';
import type { RequestReport } from '../../../src/kube/sender.ts';
import type { KubeObject, Resource, WatchEvent } from '../../../src/kube/types.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { type ConfigMap, configMap, configMaps, namespaces, secrets } from '../../support/core-resources.ts';
import { throughProxy } from '../../support/through-proxy.ts';

const failureOf = async (promise: Promise<unknown>): Promise<KubeError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(KubeError);
  return error as KubeError;
};

const selfSubjectReviews: Resource = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'selfsubjectreviews',
  kind: 'SelfSubjectReview',
  namespaced: false,
};

let sequence = 0;
const newName = () => `test-${++sequence}`;

describe('client', () => {
  const controlPlane = useControlPlane();
  let client: HttpKubeClient;
  const reports: RequestReport[] = [];
  const at = (name: string) => ({ namespace: 'default', name });

  beforeAll(() => {
    client = connect({ kubeconfig: controlPlane.kubeconfigPath }, { onRequest: (report) => reports.push(report) });
  });
  afterAll(() => client.close());

  test('writes, reads, lists and deletes', async () => {
    const name = newName();
    const created = await client.create(configMaps, configMap(name, { data: { a: '1' } }));
    expect(created.metadata.uid).toBeDefined();
    expect(await client.get<ConfigMap>(configMaps, created.metadata)).toEqual(created);
    const listed = (await client.list<ConfigMap>(configMaps, { namespace: 'default' })).items.find((item) => item.metadata.name === name);
    expect(listed).toEqual(created);
    await client.delete(configMaps, created.metadata);
    const gone = await failureOf(client.get(configMaps, at(name)));
    expect(isNotFound(gone)).toBe(true);
    expect(gone.message).toBe(`get configmaps default/${name}: configmaps "${name}" not found`);
  });

  test('a second create is AlreadyExists, which is no conflict', async () => {
    const object = configMap(newName());
    await client.create(configMaps, object);
    const error = await failureOf(client.create(configMaps, object));
    expect([isAlreadyExists(error), isConflict(error)]).toEqual([true, false]);
  });

  test('a replace of what someone else wrote since is a conflict', async () => {
    const mine = await client.create(configMaps, configMap(newName()));
    await client.patchMerge(configMaps, mine.metadata, { data: { theirs: 'x' } });
    expect(isConflict(await failureOf(client.replace(configMaps, { ...mine, data: { mine: 'x' } })))).toBe(true);
    const now = await client.get<ConfigMap>(configMaps, mine.metadata);
    expect((await client.replace(configMaps, { ...now, data: { mine: 'x' } })).data).toEqual({ mine: 'x' });
  });

  test('a merge patch removes with null', async () => {
    const { metadata } = await client.create(configMaps, configMap(newName(), { data: { a: '1', b: '2' } }));
    const patched = await client.patchMerge<ConfigMap>(configMaps, metadata, { data: { a: null, c: '3' } });
    expect(patched.data).toEqual({ b: '2', c: '3' });
  });

  test('server-side apply creates, owns its fields, conflicts over another’s and takes them by force', async () => {
    const name = newName();
    await client.apply(configMaps, configMap(name, { data: { shared: 'a', only: 'a' } }), { fieldManager: 'a' });
    const theirs = configMap(name, { data: { shared: 'b' } });
    expect(isConflict(await failureOf(client.apply(configMaps, theirs, { fieldManager: 'b' })))).toBe(true);
    const forced = await client.apply<ConfigMap>(configMaps, theirs, { fieldManager: 'b', force: true });
    expect(forced.data).toEqual({ shared: 'b', only: 'a' });
    const less = await client.apply<ConfigMap>(configMaps, configMap(name), { fieldManager: 'a' });
    expect(less.data).toEqual({ shared: 'b' });
  });

  test('a status is written by its subresource alone', async () => {
    const name = newName();
    const namespace: KubeObject & { status?: { phase?: string } } = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await client.create(namespaces, namespace);
    const patch = {
      metadata: { labels: { app: 'web' } },
      status: { conditions: [{ type: 'Tested', status: 'True', reason: 'Test', message: '' }] },
    };
    await client.patchMerge(namespaces, { name }, patch);
    expect(JSON.stringify(await client.get(namespaces, { name }))).not.toContain('Tested');
    await client.patchMerge(namespaces, { name }, patch, { subresource: 'status' });
    expect(JSON.stringify(await client.get(namespaces, { name }, { subresource: 'status' }))).toContain('Tested');
  });

  test('a delete with preconditions takes only the very object that was seen', async () => {
    const seen = await client.create(configMaps, configMap(newName()));
    const stale = { uid: seen.metadata.uid, resourceVersion: seen.metadata.resourceVersion };
    const now = await client.patchMerge<ConfigMap>(configMaps, seen.metadata, { data: { changed: 'yes' } });
    expect(isConflict(await failureOf(client.delete(configMaps, seen.metadata, { preconditions: stale })))).toBe(true);
    const other = { uid: '00000000-0000-0000-0000-000000000000' };
    expect(isConflict(await failureOf(client.delete(configMaps, seen.metadata, { preconditions: other })))).toBe(true);
    const fresh = { uid: now.metadata.uid, resourceVersion: now.metadata.resourceVersion };
    await client.delete(configMaps, seen.metadata, { preconditions: fresh });
    expect(isNotFound(await failureOf(client.get(configMaps, seen.metadata)))).toBe(true);
  });

  test('strict validation names the field that the schema does not have', async () => {
    const object = { ...configMap(newName()), dta: { typo: 'x' } };
    const error = await failureOf(client.create(configMaps, object, { fieldValidation: 'Strict' }));
    expect(isInvalid(error)).toBe(true);
    expect(error.message).toContain('unknown field "dta"');
  });

  test('a dry run changes nothing', async () => {
    const object = configMap(newName());
    await client.create(configMaps, object, { dryRun: true });
    expect(isNotFound(await failureOf(client.get(configMaps, object.metadata)))).toBe(true);
  });

  test('an object without a name or namespace is refused before it can address a whole collection', async () => {
    expect(() => client.get(configMaps, { name: 'a' })).toThrow('needs a namespace');
    await expect(client.delete(configMaps, at(''))).rejects.toThrow('needs a name');
  });

  test('all pages of a list are read', async () => {
    const { metadata } = await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: newName() } });
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const name of names) await client.create(configMaps, configMap(name, { namespace: metadata.name }));
    const before = reports.length;
    const list = await client.listAll<ConfigMap>(configMaps, { namespace: metadata.name, limit: 2 });
    expect(list.items.map((item) => item.metadata.name)).toEqual(names);
    expect(list.metadata.continue).toBeUndefined();
    expect(reports.slice(before).map(({ verb, code }) => `${verb} ${code}`)).toEqual(['list 200', 'list 200', 'list 200']);
  });

  test('a watch that its reader leaves, or whose signal aborts, ends', async () => {
    const { metadata } = await client.create(configMaps, configMap(newName()));
    const selection = { namespace: 'default', fieldSelector: `metadata.name=${metadata.name}` };
    for await (const event of client.watch<ConfigMap>(configMaps, selection)) {
      expect((event as WatchEvent<ConfigMap> & { type: 'ADDED' }).object.metadata.uid).toBe(metadata.uid);
      break;
    }
    const abort = new AbortController();
    const watching = (async () => {
      for await (const _ of client.watch(configMaps, { ...selection, signal: abort.signal })) abort.abort(new Error('enough seen'));
    })();
    await expect(watching).rejects.toThrow('enough seen');
  });

  test('who has no right is told which one is missing', async () => {
    const kubeconfig = await controlPlane.userKubeconfig({ user: 'nobody@example.org' });
    const nobody = connect({ kubeconfig });
    const error = await failureOf(nobody.list(secrets, { namespace: 'default' }));
    expect(isForbidden(error)).toBe(true);
    expect(error.message).toContain('User "nobody@example.org" cannot list resource "secrets"');
    await nobody.close();
  });

  test('an error about a Secret says which field is wrong and never what stands in it', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: at(newName()),
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': 'S3cretValue!' },
    };
    const badData = await failureOf(client.create(secrets, secret));
    expect(isInvalid(badData)).toBe(true);
    const badType = await failureOf(
      client.create(secrets, { ...secret, type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': 'UzNjcmV0VmFsdWUh' } }),
    );
    expect(isInvalid(badType)).toBe(true);
    expect(badType.message).toContain('data[.dockerconfigjson]');
    for (const error of [badData, badType]) {
      expect(JSON.stringify({ ...error, message: error.message })).not.toMatch(/S3cretValue|UzNjcmV0VmFsdWUh/);
    }
  });

  test('a server that says nothing is given up after the time-out, and the next call is answered', async () => {
    const access = await throughProxy(controlPlane);
    const patient = connect({ kubeconfig: access.kubeconfigPath });
    await patient.getText('/readyz');
    access.proxy.fallSilent();
    const error = await failureOf(patient.get(namespaces, { name: 'default' }, { timeoutMs: 300 }));
    expect(error.message).toBe('get namespaces default: no answer from the API server within 0.3 s');
    expect([isUnreachable(error), isTransient(error)]).toEqual([true, true]);
    access.proxy.speakAgain();
    await patient.get(namespaces, { name: 'default' });
    await patient.close();
    await access.close();
  });

  test('a read over a kept-open connection that was reset meanwhile succeeds', async () => {
    const access = await throughProxy(controlPlane);
    const resilient = connect({ kubeconfig: access.kubeconfigPath });
    for (let i = 0; i < 20; i++) {
      await resilient.get(namespaces, { name: 'default' });
      access.proxy.reset();
    }
    await resilient.close();
    await access.close();
  });

  test('calls share connections; watches have their own', async () => {
    const access = await throughProxy(controlPlane);
    const frugal = connect({ kubeconfig: access.kubeconfigPath });
    for (let i = 0; i < 50; i++) await frugal.get(namespaces, { name: 'default' });
    const forCalls = access.proxy.accepted;
    expect(forCalls).toBeLessThanOrEqual(3);
    const abort = new AbortController();
    const seen: Promise<void>[] = [];
    const watches = Array.from({ length: 12 }, () => {
      const first = Promise.withResolvers<void>();
      seen.push(first.promise);
      return (async () => {
        for await (const _ of frugal.watch(namespaces, { signal: abort.signal })) first.resolve();
      })();
    });
    await Promise.all(seen);
    for (let i = 0; i < 50; i++) await frugal.get(namespaces, { name: 'default' });
    expect(access.proxy.accepted - forCalls).toBe(12);
    abort.abort();
    await Promise.allSettled(watches);
    await frugal.close();
    await access.close();
  });

  test('a client certificate that was renewed on disk is used from then on, while watches on the old one go on', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'reflavor-rotate-'));
    const rotate = async (user: string) => {
      const raw = await readFile(await controlPlane.userKubeconfig({ user, groups: ['system:masters'] }), 'utf8');
      const pem = (field: string) => Buffer.from(new RegExp(`${field}: (\\S+)`).exec(raw)![1]!, 'base64');
      await writeFile(join(dir, 'crt'), pem('client-certificate-data'));
      await writeFile(join(dir, 'key'), pem('client-key-data'));
      const files = raw
        .replace(/client-certificate-data: \S+/, 'client-certificate: crt')
        .replace(/client-key-data: \S+/, 'client-key: key');
      await writeFile(join(dir, 'kubeconfig'), files);
    };
    const whoAmI = async () => {
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: { name: '' } };
      const answer = await rotating.create<KubeObject & { status?: { userInfo: { username: string } } }>(selfSubjectReviews, review);
      return answer.status?.userInfo.username;
    };
    await rotate('before@example.org');
    const rotating = new HttpKubeClient(
      new Connection(() => loadKubeConfig({ kubeconfig: join(dir, 'kubeconfig') }), { accessMaxAgeMs: 0 }),
    );
    expect(await whoAmI()).toBe('before@example.org');
    const { metadata } = await client.create(configMaps, configMap(newName()));
    const watch = rotating.watch<ConfigMap>(configMaps, {
      allowWatchBookmarks: false,
      namespace: 'default',
      fieldSelector: `metadata.name=${metadata.name}`,
    });
    expect((await watch.next()).value).toMatchObject({ type: 'ADDED' });
    await rotate('after@example.org');
    expect(await whoAmI()).toBe('after@example.org');
    await client.delete(configMaps, metadata);
    expect((await watch.next()).value).toMatchObject({ type: 'DELETED' });
    await watch.return();
    await rotating.close();
    await rm(dir, { recursive: true });
  });

  test('credentials that are no longer known are asked for anew, and the call succeeds', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'reflavor-exec-'));
    // An exec plugin that gives a stale token the first time, and a certificate that the server knows from then on.
    const admin = JSON.parse(await controlPlane.kubectl(['config', 'view', '--raw', '-o', 'json'])) as {
      users: [{ user: Record<string, string> }];
      clusters: [{ cluster: Record<string, string> }];
    };
    const pem = (field: string) => Buffer.from(admin.users[0].user[field]!, 'base64').toString();
    const good = { clientCertificateData: pem('client-certificate-data'), clientKeyData: pem('client-key-data') };
    const credential = (status: object) =>
      JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status });
    const plugin = join(dir, 'plugin.mjs');
    await writeFile(
      plugin,
      `import { existsSync, writeFileSync } from 'node:fs';
       const asked = ${JSON.stringify(join(dir, 'asked'))};
       console.log(existsSync(asked) ? ${JSON.stringify(credential(good))} : ${JSON.stringify(credential({ token: 'stale' }))});
       writeFileSync(asked, '');`,
    );
    const kubeconfig = join(dir, 'kubeconfig');
    await writeFile(
      kubeconfig,
      JSON.stringify({
        ...admin,
        users: [
          {
            name: (admin.users[0] as unknown as { name: string }).name,
            user: {
              exec: { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: [plugin], interactiveMode: 'Never' },
            },
          },
        ],
      }),
    );
    const codes: number[] = [];
    const renewing = connect({ kubeconfig }, { onRequest: ({ code }) => codes.push(code) });
    await renewing.get(namespaces, { name: 'default' });
    expect(codes).toEqual([401, 200]);
    await renewing.close();
    await rm(dir, { recursive: true });
  });
});
