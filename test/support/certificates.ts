/** Throw-away certificates (EC P-256) for tests and demonstrations: a CA, and server or client certificates of it. */
import 'reflect-metadata'; // the X.509 library refuses to load without it, so it stays first
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 24 * 60 * 60 * 1000;

/** A certificate and its PKCS #8 private key, both PEM and both ending in a newline. */
export interface CertificateAndKey {
  certPem: string;
  keyPem: string;
}

/** What `issueCertificate` makes. */
export interface CertificateRequest {
  ca: CertificateAndKey;
  cn: string;
  /** Subject alternative names (RFC 5280 section 4.2.1.6). Default: none. */
  dnsNames?: string[];
  /** Addresses among the subject alternative names, IPv4 or IPv6. Default: none. */
  ipAddresses?: string[];
  /** True for a client's certificate (extended key usage clientAuth), false for a server's (serverAuth). Default: false. */
  client?: boolean;
  /** Validity from and to. Default: from a day ago to a year ahead, so that a certificate already expired can be made too. */
  notBefore?: Date;
  notAfter?: Date;
}

/** Makes a self-signed CA that may sign certificates but no further CA. */
export async function makeCa(cn = 'Test CA'): Promise<CertificateAndKey> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const cert = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: [{ CN: [cn] }],
      ...validity({}),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  );
  return toPem(cert, keys.privateKey);
}

/** Issues a certificate with a key of its own, signed by `ca`. */
export async function issueCertificate(request: CertificateRequest): Promise<CertificateAndKey> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const issuer = new x509.X509Certificate(request.ca.certPem);
  const names: x509.JsonGeneralNames = [
    ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(request.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
  const usage = request.client ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth;
  const cert = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: [{ CN: [request.cn] }],
      issuer: issuer.subjectName,
      ...validity(request),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: await importKey(request.ca.keyPem),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  );
  return toPem(cert, keys.privateKey);
}

function validity({ notBefore, notAfter }: { notBefore?: Date; notAfter?: Date }) {
  return { notBefore: notBefore ?? new Date(Date.now() - dayMs), notAfter: notAfter ?? new Date(Date.now() + 365 * dayMs) };
}

/** 16 random bytes with the sign bit clear and the first byte not zero (RFC 5280 section 4.1.2.2 wants a positive number). */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

function importKey(keyPem: string) {
  return webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(keyPem), algorithm, false, ['sign']);
}

async function toPem(cert: x509.X509Certificate, privateKey: webcrypto.CryptoKey): Promise<CertificateAndKey> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', privateKey);
  return { certPem: `${cert.toString('pem').trimEnd()}\n`, keyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY').trimEnd()}\n` };
}
