import 'reflect-metadata'; // the X.509 library refuses to load without it, so it stays first
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 24 * 60 * 60 * 1000;
const authorityDays = 3650;
const leafDays = 90;

/** A certificate and its PKCS #8 private key, both PEM and both ending in a newline. */
export interface CertificateAndKey {
  certificate: string;
  key: string;
}

/** What a certificate is for: what its owner may say it is (RFC 5280 section 4.2.1.12). */
export type Use = 'server' | 'client';

/** A certificate to be issued. */
export interface Leaf {
  commonName: string;
  /** `O` of its name: the groups of a user of Kubernetes. Default: none. */
  organizations?: readonly string[];
  dnsNames?: readonly string[];
  ipAddresses?: readonly string[];
  uses: readonly Use[];
  /** Default: 90. Never longer than the authority itself. */
  days?: number;
}

const usages: Record<Use, string> = { server: x509.ExtendedKeyUsage.serverAuth, client: x509.ExtendedKeyUsage.clientAuth };

/** A certificate authority, elliptic curve P-256 throughout. It may sign certificates and no further authority. */
export class Authority {
  /** PEM, ending in a newline. */
  readonly certificate: string;
  readonly validTo: Date;
  readonly #signer: x509.X509Certificate;
  readonly #key: webcrypto.CryptoKey;

  private constructor(certificate: string, key: webcrypto.CryptoKey) {
    this.certificate = certificate;
    this.#signer = new x509.X509Certificate(certificate);
    this.validTo = this.#signer.notAfter;
    this.#key = key;
  }

  /** Makes a new one, good for ten years; its certificate and key, to be kept. */
  static async create(commonName: string, now: Date): Promise<CertificateAndKey> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned(
      {
        serialNumber: serialNumber(),
        name: [{ CN: [commonName] }],
        ...validity(now, authorityDays),
        signingAlgorithm: algorithm,
        keys,
        extensions: [
          new x509.BasicConstraintsExtension(true, 0, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
          await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        ],
      },
      webcrypto,
    );
    return toPem(certificate, keys.privateKey);
  }

  /** Opens one that was kept. @throws Error in words, when it is none, or its key is another's */
  static async open({ certificate, key }: CertificateAndKey): Promise<Authority> {
    const parsed = parse('certificate', () => new X509Certificate(certificate));
    if (!parsed.ca) throw new Error('its certificate is not that of an authority');
    const privateKey = parse('key', () => createPrivateKey(key));
    if (!parsed.checkPrivateKey(privateKey)) throw new Error('its key does not belong to its certificate');
    if (privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('its key is not of the elliptic curve P-256');
    const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
    return new Authority(parsed.toString(), await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']));
  }

  /** Issues a certificate with a key of its own. It counts from a day ago: clocks differ. */
  async issue(leaf: Leaf, now: Date): Promise<CertificateAndKey> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const names: x509.JsonGeneralNames = [
      ...(leaf.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
      ...(leaf.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
    ];
    const { notBefore, notAfter } = validity(now, leaf.days ?? leafDays);
    const earliest = Math.min(notAfter.getTime(), this.validTo.getTime());
    const certificate = await x509.X509CertificateGenerator.create(
      {
        serialNumber: serialNumber(),
        subject: [...(leaf.organizations ?? []).map((name) => ({ O: [name] })), { CN: [leaf.commonName] }],
        issuer: this.#signer.subjectName,
        notBefore,
        notAfter: new Date(earliest),
        signingAlgorithm: algorithm,
        publicKey: keys.publicKey,
        signingKey: this.#key,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension(leaf.uses.map((use) => usages[use])),
          ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
          await x509.AuthorityKeyIdentifierExtension.create(this.#signer.publicKey, false, webcrypto),
          await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        ],
      },
      webcrypto,
    );
    return toPem(certificate, keys.privateKey);
  }

  /**
   * When the certificate, which stands first in a text with its key, is to be renewed: once a third of its life is left. Undefined where it isn't
   * what would be issued for this leaf, or isn't of this authority.
   */
  renewalOf(pem: string | undefined, leaf: Leaf): Date | undefined {
    if (pem === undefined) return undefined;
    try {
      const found = new X509Certificate(pem);
      const signer = new X509Certificate(this.certificate);
      const isOurs = found.checkIssued(signer) && found.verify(signer.publicKey) && found.checkPrivateKey(createPrivateKey(pem));
      const isForIt =
        (leaf.dnsNames ?? []).every((name) => found.checkHost(name, { subject: 'never' }) !== undefined) &&
        String(found.keyUsage) === String(leaf.uses.map((use) => usages[use]));
      return isOurs && isForIt ? renewalAt(found) : undefined;
    } catch {
      return undefined;
    }
  }
}

/** The day that it is issued with in hand is not part of its life. */
function renewalAt({ validFrom, validTo }: X509Certificate): Date {
  const [from, to] = [Date.parse(validFrom) + dayMs, Date.parse(validTo)];
  return new Date(to - (to - from) / 3);
}

function validity(now: Date, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now.getTime() - dayMs), notAfter: new Date(now.getTime() + days * dayMs) };
}

/** 16 random bytes, the first neither zero nor with its sign bit set: a positive number (RFC 5280 section 4.1.2.2). */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

async function toPem(certificate: x509.X509Certificate, privateKey: webcrypto.CryptoKey): Promise<CertificateAndKey> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', privateKey);
  return {
    certificate: `${certificate.toString('pem').trimEnd()}\n`,
    key: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY').trimEnd()}\n`,
  };
}

function parse<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new Error(`its ${what} can't be read`, { cause });
  }
}
