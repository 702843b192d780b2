import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { buildAmphora, buildConfiguration, buildServer } from '../../../../test/contract/builders.ts';
import { filesDigest, keptIn, secretOf } from './files.ts';
import { LABELS } from './names.ts';

const amphora = buildAmphora({ name: 'web-amp-1' });
const configuration = buildConfiguration({ amphora, ports: [80], servers: [buildServer({ address: '10.0.0.1', protocolPort: 8080 })] });
const files = { 'haproxy.cfg': 'global\n', 'certificate-1.pem': 'PEM ü\n' };

test('a Secret gives back what was put into it', () => {
  const kept = { files, loaded: configuration, loading: { ...configuration, peer: 3 } };
  expect(keptIn(secretOf(amphora, kept))).toEqual(kept);
  expect(keptIn(secretOf(amphora, { files }))).toEqual({ files, loaded: undefined, loading: undefined });
});

test('the same content makes the same Secret, so that nothing is written twice', () => {
  expect(secretOf(amphora, { files, loaded: configuration })).toEqual(secretOf(amphora, { files, loaded: configuration }));
});

test('it belongs to the Amphora, but not to one that does not exist', () => {
  const uid = '0dcb8bb1-5bd8-4f0c-9d4f-9b0f6a3a6f0a';
  const owned = secretOf({ ...amphora, metadata: { ...amphora.metadata, uid } }, { files });
  expect(owned.metadata.ownerReferences).toEqual([
    { apiVersion: 'reflavor.dev/v1alpha1', kind: 'Amphora', name: 'web-amp-1', uid, controller: true },
  ]);
  expect(owned.metadata.labels).toMatchObject({ [LABELS.loadBalancerUid]: 'lb-uid', [LABELS.amphora]: 'web-amp-1' });
  expect(secretOf({ ...amphora, metadata: { ...amphora.metadata, uid: undefined } }, { files }).metadata.ownerReferences).toBeUndefined();
});

test('what is damaged in it counts as missing', () => {
  const secret = secretOf(amphora, { files, loaded: configuration });
  expect(keptIn({ ...secret, data: { ...secret.data, 'loaded.json.gz': 'AAAA' } })).toEqual({
    files,
    loaded: undefined,
    loading: undefined,
  });
});

test('more than a Secret holds is refused in words', () => {
  const large = { ...files, 'certificate-2.pem': randomBytes(900_000).toString('base64') };
  expect(() => secretOf(amphora, { files: large })).toThrow(
    expect.objectContaining({ name: 'DriverError', reason: 'ConfigurationTooLarge' }),
  );
  expect(() => secretOf(amphora, { files: large })).toThrow(/1024 KiB at most.*split the load balancer/);
});

test('what is known of members is left out where it has no room, and the configuration is not', () => {
  const room = 'servers.state';
  const known = (length: number) => keptIn(secretOf(amphora, { files: { ...files, [room]: 'x'.repeat(length) }, loaded: configuration }));
  expect(known(900_000).files[room]).toHaveLength(900_000);
  expect(known(1_100_000)).toEqual({ files: { ...files, [room]: '1\n' }, loaded: configuration, loading: undefined });
});

test('the digest tells files apart, but not the health of members that is known now', () => {
  expect(filesDigest(files)).toBe(filesDigest({ ...files, 'servers.state': '1\n' }));
  expect(filesDigest(files)).not.toBe(filesDigest({ ...files, 'haproxy.cfg': 'global\n\n' }));
});
