import { X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { SecretsInMemory } from '../../../../../test/support/secrets.ts';
import { DriverError } from '../../driver.ts';
import type { Secret } from '../objects.ts';
import { IDENTITY_FILES, Identity } from './identity.ts';

const dayMs = 24 * 3600 * 1000;
const web = { name: 'web', uid: 'uid-of-web' };
const owner = { apiVersion: 'reflavor.dev/v1alpha1', kind: 'LoadBalancer', name: 'web', uid: 'uid-of-web' };
const amphora = { namespace: 'team', name: 'web-1', loadBalancer: web, ownerReference: owner };

let secrets: SecretsInMemory;
let now: number;
const identity = () => new Identity({ client: secrets, namespace: 'reflavor', now: () => now });

beforeEach(() => {
  secrets = new SecretsInMemory();
  now = Date.parse('2026-01-01T00:00:00Z');
});

describe('the files of an amphora', () => {
  test('say "server" of it to the operator, and both to its peers, under its own name', async () => {
    const { files } = await identity().amphoraFiles(amphora);
    expect(Object.keys(files)).toEqual([...IDENTITY_FILES]);
    const [admin, peer] = [new X509Certificate(files['admin.pem']), new X509Certificate(files['peer.pem'])];
    expect(admin.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(peer.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(admin.subjectAltName).toBe('DNS:web-1.team.amphora.reflavor.dev');
    expect(admin.verify(new X509Certificate(files['admin-ca.pem']).publicKey)).toBe(true);
    expect(peer.verify(new X509Certificate(files['peer-ca.pem']).publicKey)).toBe(true);
    expect(admin.verify(new X509Certificate(files['peer-ca.pem']).publicKey)).toBe(false);
    expect(JSON.stringify(files)).not.toContain(Buffer.from(keyOf('reflavor/reflavor-authority')).toString().split('\n')[1]);
  });

  test('stay as they are, also for the next operator, until a third of their life is left', async () => {
    const first = await identity().amphoraFiles(amphora);
    expect(first.renewAt.getTime()).toBe(now + 60 * dayMs);
    now += 60 * dayMs - 1000;
    expect(await identity().amphoraFiles(amphora, { ...first.files, 'haproxy.cfg': 'x' })).toEqual(first);
    now += 2000;
    const renewed = await identity().amphoraFiles(amphora, first.files);
    expect(renewed.digest).not.toBe(first.digest);
    expect(renewed.files['admin-ca.pem']).toBe(first.files['admin-ca.pem']);
    expect(renewed.renewAt.getTime()).toBe(now + 60 * dayMs);
    expect(await identity().amphoraFiles(amphora, renewed.files)).toEqual(renewed);
  });

  test('of a sister share the authorities, those of another load balancer the operator’s alone', async () => {
    const it = identity();
    const one = await it.amphoraFiles(amphora);
    const sister = await it.amphoraFiles({ ...amphora, name: 'web-2' }, one.files);
    const other = await it.amphoraFiles({ ...amphora, loadBalancer: { name: 'shop', uid: 'uid-of-shop' } });
    expect(sister.files['admin.pem']).not.toBe(one.files['admin.pem']);
    expect(sister.files['peer.pem']).not.toBe(one.files['peer.pem']);
    expect([sister, other].map(({ files }) => files['admin-ca.pem'] === one.files['admin-ca.pem'])).toEqual([true, true]);
    expect([sister, other].map(({ files }) => files['peer-ca.pem'] === one.files['peer-ca.pem'])).toEqual([true, false]);
  });

  test('that somebody damaged are made anew', async () => {
    const { files } = await identity().amphoraFiles(amphora);
    const mended = await identity().amphoraFiles(amphora, { ...files, 'peer.pem': 'x', 'admin-ca.pem': 'y' });
    expect(mended.files['admin.pem']).toBe(files['admin.pem']);
    expect(mended.files['admin-ca.pem']).toBe(files['admin-ca.pem']);
    expect(mended.files['peer.pem']).not.toBe(files['peer.pem']);
  });
});

const keyOf = (key: string) => Buffer.from((secrets.at(key) as Secret).data!['tls.key']!, 'base64').toString();

describe('the authorities', () => {
  test('are made once, each in its Secret, and looked at once', async () => {
    const it = identity();
    for (let i = 0; i < 3; i++) await it.amphoraFiles(amphora);
    const both = ['reflavor/reflavor-authority', 'team/web-peers'];
    expect(secrets.calls).toEqual(both.flatMap((key) => [`get ${key}`, `create ${key}`]));
    const [authority, peers] = both.map((key) => secrets.at(key) as Secret);
    expect(authority).toMatchObject({ immutable: true, metadata: { labels: { 'app.kubernetes.io/managed-by': 'reflavor' } } });
    expect(peers).toMatchObject({
      immutable: true,
      metadata: { labels: { 'reflavor.dev/loadbalancer': 'web', 'reflavor.dev/loadbalancer-uid': 'uid-of-web' }, ownerReferences: [owner] },
    });
  });

  test('are the same for two operators that begin at once', async () => {
    const [one, two] = await Promise.all([identity().amphoraFiles(amphora), identity().amphoraFiles(amphora)]);
    expect(secrets.calls.filter((call) => call.startsWith('create'))).toHaveLength(4);
    expect(one.files['admin-ca.pem']).toBe(two.files['admin-ca.pem']);
    expect(one.files['peer-ca.pem']).toBe(two.files['peer-ca.pem']);
  });

  test('of a load balancer of the same name that is gone are not touched', async () => {
    await identity().amphoraFiles(amphora);
    const before = secrets.at('team/web-peers');
    const reborn = identity().amphoraFiles({ ...amphora, loadBalancer: { name: 'web', uid: 'another' } });
    await expect(reborn).rejects.toMatchObject({ name: 'DriverError', reason: 'NameConflict' });
    expect(secrets.at('team/web-peers')).toEqual(before);
  });

  const broken = async (key: string, data: Record<string, string>) => {
    secrets = new SecretsInMemory();
    await identity().amphoraFiles(amphora);
    const secret = secrets.at(key) as Secret;
    secrets.set({ ...secret, data: { ...secret.data, ...data } } as Secret);
    return identity()
      .amphoraFiles(amphora)
      .catch((error) => error);
  };

  test('that are damaged are told with what to do, and left alone', async () => {
    const error = await broken('team/web-peers', { 'tls.key': 'eA==' });
    expect(error).toBeInstanceOf(DriverError);
    expect([error.reason, error.message]).toEqual([
      'IdentityBroken',
      "Secret team/web-peers is damaged, its key can't be read: restore it, or delete it: the operator then makes another; nothing that serves is touched",
    ]);
    expect((secrets.at('team/web-peers') as Secret).data!['tls.key']).toBe('eA==');
    expect((await broken('reflavor/reflavor-authority', { 'tls.crt': '' })).message).toMatch(
      /^Secret reflavor\/reflavor-authority is damaged, its certificate can't be read: .*reflavor.dev\/failover/,
    );
  });

  test('are looked at again after a failure, and after their end', async () => {
    const it = identity();
    secrets.get = () => Promise.reject(new Error('no answer'));
    await expect(it.amphoraFiles(amphora)).rejects.toThrow('no answer');
    secrets.get = SecretsInMemory.prototype.get;
    await it.amphoraFiles(amphora);
    now += 3651 * dayMs;
    await expect(it.amphoraFiles(amphora)).rejects.toMatchObject({ reason: 'IdentityBroken' });
  });
});
