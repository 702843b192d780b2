import { describe, expect, test } from '@jest/globals';
import { buildAmphora, buildConfiguration } from '../../../../test/contract/builders.ts';
import { render } from '../haproxy/index.ts';
import { environmentDigest, environmentFor, hasIPv6, standbyOf, surroundingsDigest, surroundingsIn } from './environment.ts';
import { LABELS } from './names.ts';
import type { Pod, Service } from './objects.ts';

const buildPod = (
  name: string,
  role: string,
  operation: number,
  more: { ip?: string; attached?: boolean; deleted?: boolean } = {},
): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    labels: {
      [LABELS.amphora]: name,
      [LABELS.role]: role,
      [LABELS.operation]: String(operation),
      ...(more.attached ? { [LABELS.vip]: 'lb-uid' } : {}),
    },
    ...(more.deleted ? { deletionTimestamp: '2026-11-23T10:00:00Z' } : {}),
  },
  spec: {},
  status: more.ip === undefined ? {} : { podIP: more.ip, podIPs: [{ ip: more.ip }] },
});

const backup = buildAmphora({ name: 'web-2-1', role: 'BACKUP' });
backup.spec.operation = 2;

describe('a standby', () => {
  test('asks the MASTER that was made with it, whichever others there are', () => {
    const pods = [
      buildPod('web-1-0', 'MASTER', 1, { ip: '10.0.0.1', attached: true }),
      buildPod('web-2-0', 'MASTER', 2, { ip: '10.0.0.2' }),
    ];
    expect(standbyOf(backup, pods)).toBe('10.0.0.2:61028');
    expect(standbyOf(backup, [buildPod('web-2-0', 'MASTER', 2, { ip: 'fd00::2' })])).toBe('[fd00::2]:61028');
  });

  test('that was made for a survivor asks that one: the youngest that is behind the VIP', () => {
    const pods = [
      buildPod('web-0-0', 'MASTER', 0, { ip: '10.0.0.9', attached: true }),
      buildPod('web-1-0', 'MASTER', 1, { ip: '10.0.0.1', attached: true }),
      buildPod('web-9-0', 'MASTER', 9, { ip: '10.0.0.3' }),
    ];
    expect(standbyOf(backup, pods)).toBe('10.0.0.1:61028');
  });

  test('asks nobody while there is none, or one that is going or has no address', () => {
    expect(standbyOf(backup, [])).toBeUndefined();
    expect(standbyOf(backup, [buildPod('web-2-0', 'MASTER', 2)])).toBeUndefined();
    expect(standbyOf(backup, [buildPod('web-2-0', 'MASTER', 2, { ip: '10.0.0.2', deleted: true })])).toBeUndefined();
    expect(standbyOf(backup, [buildPod('web-2-1', 'MASTER', 2, { ip: '10.0.0.2', attached: true })])).toBeUndefined();
  });

  test('is a BACKUP alone', () => {
    const master = buildAmphora({ name: 'web-2-1', role: 'MASTER' });
    expect(standbyOf(master, [buildPod('web-1-0', 'MASTER', 1, { ip: '10.0.0.1', attached: true })])).toBeUndefined();
  });
});

describe('an amphora that is reached by IPv6 as well', () => {
  const dual: Service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web-vip' }, spec: { ipFamilies: ['IPv4', 'IPv6'] } };

  test('is known by its VIP, or by the addresses of its kind', () => {
    expect(hasIPv6(dual, [])).toBe(true);
    expect(hasIPv6(undefined, [buildPod('web-1-0', 'MASTER', 1, { ip: 'fd00::1' })])).toBe(true);
    expect(hasIPv6({ ...dual, spec: { ipFamilies: ['IPv4'] } }, [buildPod('web-1-0', 'MASTER', 1, { ip: '10.0.0.1' })])).toBe(false);
  });

  test('has its listeners on both families, each by itself, and is controlled on both', () => {
    const amphora = buildAmphora({ name: 'web-1-0' });
    const configuration = buildConfiguration({ amphora, ports: [80] });
    const linesFor = (hasIPv6: boolean) =>
      render(configuration, environmentFor({ standbyOf: undefined, hasIPv6, digest: 'd' }))
        .config.split('\n')
        .filter((line) => line.trim().startsWith('bind '))
        .map((line) => line.trim().split(' ssl')[0]);
    expect(linesFor(false)).toEqual(expect.arrayContaining(['bind 0.0.0.0:80', 'bind 0.0.0.0:61027', 'bind 0.0.0.0:61028']));
    expect(linesFor(true)).toEqual(expect.arrayContaining(['bind 0.0.0.0:80,[::]:80 v6only', 'bind [::]:61027', 'bind [::]:61028']));
  });
});

describe('the digest of an environment', () => {
  const situation = { standbyOf: undefined, hasIPv6: false };
  const configuration = buildConfiguration({ amphora: buildAmphora({ name: 'web-1-0' }), ports: [80] });
  const kept = { listeners: configuration.listeners, pools: configuration.pools, secrets: {} };

  test('changes with the certificates, the active one and the families', () => {
    const digests = [
      surroundingsDigest('a', situation),
      surroundingsDigest('b', situation),
      surroundingsDigest('a', { ...situation, standbyOf: '10.0.0.1:61028' }),
      surroundingsDigest('a', { ...situation, hasIPv6: true }),
    ];
    expect(new Set(digests).size).toBe(4);
    expect(surroundingsDigest('a', situation)).toBe(digests[0]);
  });

  test('tells in a part of its own which listeners are kept, but not their members', () => {
    const digest = environmentDigest('surroundings', { ...configuration, kept });
    expect(surroundingsIn(digest)).toBe('surroundings');
    expect(digest).not.toBe(environmentDigest('surroundings', configuration));
    const [pool] = kept.pools;
    const server = { address: '10.0.0.5', protocolPort: 80, weight: 1, backup: false, enabled: true, draining: false };
    expect(environmentDigest('surroundings', { ...configuration, kept: { ...kept, pools: [{ ...pool!, servers: [server] }] } })).toBe(
      digest,
    );
  });
});
