import 'reflect-metadata'; // the X.509 library refuses to load without it, so it stays first
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { CertificateAndKey } from './certificates.ts';

/** A list of certificates that `ca` has revoked (RFC 5280 section 5), PEM, valid for a day from now. */
export async function revocationList(ca: CertificateAndKey, revoked: readonly CertificateAndKey[]): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const list = await x509.X509CrlGenerator.create(
    {
      issuer: new x509.X509Certificate(ca.certPem).subjectName,
      thisUpdate: new Date(Date.now() - 60_000),
      nextUpdate: new Date(Date.now() + 24 * 60 * 60 * 1000),
      entries: revoked.map(({ certPem }) => ({
        serialNumber: new x509.X509Certificate(certPem).serialNumber,
        revocationDate: new Date(Date.now() - 60_000),
      })),
      signingAlgorithm: algorithm,
      signingKey: await webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(ca.keyPem), algorithm, false, ['sign']),
    },
    webcrypto,
  );
  return `${x509.PemConverter.encode(list.rawData, 'X509 CRL').trimEnd()}\n`;
}
