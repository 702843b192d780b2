/** Throw-away certificates (EC P-256) for tests and demonstrations: a CA, and server or client certificates of it. */
import { Authority } from '../../src/provider/amphora/kubernetes/identity/authority.ts';

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
  /** Default: a year ahead. In the past, for one that has expired, it had been good for a year. */
  notAfter?: Date;
}

/** Makes a self-signed CA that may sign certificates but no further CA. */
export async function makeCa(cn = 'Test CA'): Promise<CertificateAndKey> {
  return named(await Authority.create(cn, new Date()));
}

/** Issues a certificate with a key of its own, signed by `ca`. */
export async function issueCertificate({ ca, cn, client, notAfter, ...names }: CertificateRequest): Promise<CertificateAndKey> {
  const authority = await Authority.open({ certificate: ca.certPem, key: ca.keyPem });
  const from = notAfter ? new Date(notAfter.getTime() - 365 * dayMs) : new Date();
  return named(await authority.issue({ ...names, commonName: cn, uses: [client ? 'client' : 'server'], days: 365 }, from));
}

const named = ({ certificate, key }: { certificate: string; key: string }): CertificateAndKey => ({ certPem: certificate, keyPem: key });
