import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Authority, type CertificateAndKey, type Leaf } from './authority.ts';

const now = new Date('2026-01-01T00:00:00Z');
const days = (count: number, from = now) => new Date(from.getTime() + count * 24 * 3600 * 1000);
const leaf: Leaf = { commonName: 'amphora', dnsNames: ['a.team.amphora.reflavor.dev'], uses: ['server'] };

let kept: CertificateAndKey;
let authority: Authority;
let issued: string;

beforeAll(async () => {
  kept = await Authority.create('one', now);
  authority = await Authority.open(kept);
  const { certificate, key } = await authority.issue(leaf, now);
  issued = `${certificate}${key}`;
});

describe('an authority', () => {
  test('is good for ten years, signs certificates, and no further authority', () => {
    const own = new X509Certificate(kept.certificate);
    expect([own.subject, own.ca, authority.validTo]).toEqual(['CN=one', true, days(3650)]);
    expect(own.verify(own.publicKey)).toBe(true);
    // Basic constraints, critical: an authority, with a path of no more.
    expect(own.raw.includes(Buffer.from('0603551d130101ff040830060101ff020100', 'hex'))).toBe(true);
  });

  test('issues for 90 days, counted from a day ago', () => {
    const found = new X509Certificate(issued);
    expect([new Date(found.validFrom), new Date(found.validTo)]).toEqual([days(-1), days(90)]);
    expect(found.subjectAltName).toBe('DNS:a.team.amphora.reflavor.dev');
    expect(found.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(found.ca).toBe(false);
    expect(found.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  test('issues nothing that outlives it, and still something with a life', async () => {
    const late = days(3649);
    const { certificate, key } = await authority.issue(leaf, late);
    expect(new Date(new X509Certificate(certificate).validTo)).toEqual(authority.validTo);
    expect(authority.renewalOf(`${certificate}${key}`, leaf)!.getTime()).toBeGreaterThan(late.getTime());
  });

  test('names groups and addresses', async () => {
    const { certificate } = await authority.issue(
      { commonName: 'admin', organizations: ['a', 'b'], ipAddresses: ['127.0.0.1', '::1'], uses: ['client'], days: 1 },
      now,
    );
    const found = new X509Certificate(certificate);
    expect(found.subject.split('\n')).toEqual(['O=a', 'O=b', 'CN=admin']);
    expect(found.subjectAltName).toBe('IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
    expect(new Date(found.validTo)).toEqual(days(1));
  });
});

describe('what was kept of one', () => {
  const opened = (change: Partial<CertificateAndKey>) => Authority.open({ ...kept, ...change });

  test('is opened again, and is the same', async () => {
    const again = await Authority.open(kept);
    const { certificate } = await again.issue(leaf, now);
    expect(new X509Certificate(certificate).verify(new X509Certificate(kept.certificate).publicKey)).toBe(true);
    expect(again.certificate).toBe(kept.certificate);
  });

  test('is refused in words where it is damaged, or another’s', async () => {
    const other = await Authority.create('other', now);
    const server = await authority.issue(leaf, now);
    await expect(opened({ certificate: 'x' })).rejects.toThrow("its certificate can't be read");
    await expect(opened({ key: kept.key.slice(0, 100) })).rejects.toThrow("its key can't be read");
    await expect(opened({ key: other.key })).rejects.toThrow('its key does not belong to its certificate');
    await expect(Authority.open(server)).rejects.toThrow('its certificate is not that of an authority');
  });
});

describe('a certificate', () => {
  test('is to be renewed when a third of its life is left', () => {
    expect(authority.renewalOf(issued, leaf)).toEqual(days(60));
  });

  test('that is not what would be issued has no time to be renewed at: now', async () => {
    const other = await Authority.open(await Authority.create('one', now));
    const key = (await other.issue(leaf, now)).key;
    const withOtherKey = issued.replace(/-----BEGIN PRIVATE KEY[\s\S]*/, key);
    expect(withOtherKey).not.toBe(issued);
    expect(other.renewalOf(issued, leaf)).toBeUndefined();
    expect(authority.renewalOf(withOtherKey, leaf)).toBeUndefined();
    expect(authority.renewalOf(issued, { ...leaf, dnsNames: ['b.team.amphora.reflavor.dev'] })).toBeUndefined();
    expect(authority.renewalOf(issued, { ...leaf, uses: ['server', 'client'] })).toBeUndefined();
    expect(authority.renewalOf(issued.slice(0, 200), leaf)).toBeUndefined();
    expect(authority.renewalOf(undefined, leaf)).toBeUndefined();
  });
});
