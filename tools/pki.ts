/** The control plane's own certificate authority, kept in a folder. Elliptic curve P-256 throughout. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const yearMs = 365 * 24 * 3600 * 1000;

export interface KeyPair {
  certPem: string;
  keyPem: string;
}

export interface Authority {
  caPem: string;
  /** A certificate of a client: Kubernetes reads the user from CN and the groups from O. */
  issueClient(user: string, groups: readonly string[]): Promise<KeyPair>;
  /** A certificate of a server that is reached by these names and addresses. */
  issueServer(dnsNames: readonly string[], ipAddresses: readonly string[]): Promise<KeyPair>;
}

/** Opens the authority of a folder, which is made on the first call: `ca.crt` and `ca.key`. */
export async function openAuthority(dir: string): Promise<Authority> {
  const [certFile, keyFile] = [join(dir, 'ca.crt'), join(dir, 'ca.key')];
  if (!existsSync(keyFile) || !existsSync(certFile)) {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'CN=reflavor-control-plane',
      keys,
      signingAlgorithm: algorithm,
      ...validity(10 * yearMs),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    });
    await writeFile(certFile, certificate.toString('pem'));
    await writeFile(keyFile, await privatePem(keys.privateKey), { mode: 0o600 });
  }
  const caPem = await readFile(certFile, 'utf8');
  const ca = new x509.X509Certificate(caPem);
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    x509.PemConverter.decodeFirst(await readFile(keyFile, 'utf8')),
    algorithm,
    false,
    ['sign'],
  );

  const issue = async (subject: x509.JsonName, usage: string, extensions: x509.Extension[]): Promise<KeyPair> => {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      subject,
      issuer: ca.subject,
      publicKey: keys.publicKey,
      signingKey,
      signingAlgorithm: algorithm,
      ...validity(yearMs),
      extensions: [new x509.ExtendedKeyUsageExtension([usage]), ...extensions],
    });
    return { certPem: `${certificate.toString('pem')}\n`, keyPem: await privatePem(keys.privateKey) };
  };

  return {
    caPem,
    issueClient: (user, groups) =>
      issue([...groups.map((group) => ({ O: [group] })), { CN: [user] }], x509.ExtendedKeyUsage.clientAuth, []),
    issueServer: (dnsNames, ipAddresses) =>
      issue([{ CN: ['kube-apiserver'] }], x509.ExtendedKeyUsage.serverAuth, [
        new x509.SubjectAlternativeNameExtension([
          ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
          ...ipAddresses.map((value) => ({ type: 'ip' as const, value })),
        ]),
      ]),
  };
}

/** A key that signs service account tokens, as the PEM of its private and of its public half. */
export async function makeServiceAccountKey(): Promise<{ privatePem: string; publicPem: string }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const spki = await webcrypto.subtle.exportKey('spki', keys.publicKey);
  return { privatePem: await privatePem(keys.privateKey), publicPem: `${x509.PemConverter.encode(spki, 'PUBLIC KEY')}\n` };
}

/** A day back, for a clock that is set right after the start. */
function validity(lengthMs: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - yearMs / 365), notAfter: new Date(now + lengthMs) };
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}
