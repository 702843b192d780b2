import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import type { Reason } from '../../api/index.ts';
import type { TlsMaterial } from '../../provider/amphora/configuration.ts';
import type { Secret } from './sources.ts';

/** What a listener or pool needs of a Secret. */
export type Need = 'certificate' | 'ca' | 'crl';

/** Why a Secret can't be used. The message names the Secret and the remedy, and never what is in it. */
export interface SecretProblem {
  reason: Reason;
  message: string;
  digest: string;
}

const KEYS: Record<Need, string[]> = { certificate: ['tls.crt', 'tls.key'], ca: ['ca.crt'], crl: ['ca.crl'] };

/** Reads a need from a Secret and checks it: each PEM block parses, and a key belongs to its certificate. */
export function readSecret(name: string, secret: Secret | undefined, need: Need): TlsMaterial | SecretProblem {
  const digest = secret ? `${secret.metadata.uid}/${secret.metadata.resourceVersion}` : 'absent';
  const problem = (reason: Reason, message: string): SecretProblem => ({ reason, message, digest: `${name} ${digest}` });
  if (!secret) return problem('SecretNotFound', `Secret ${name} does not exist in this namespace: create it.`);
  const values: string[] = [];
  for (const key of KEYS[need]) {
    const value = secret.data?.[key];
    if (value === undefined)
      return problem('SecretInvalid', `Secret ${name} has no key ${key}: add it, as in "kubectl create secret tls".`);
    values.push(Buffer.from(value, 'base64').toString('latin1').replaceAll('\r', '').trim());
  }
  const text = values[0]!;
  if (need === 'crl')
    return /^-----BEGIN X509 CRL-----/.test(text)
      ? { crl: text }
      : problem('SecretInvalid', `ca.crl of Secret ${name} is no PEM revocation list.`);
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  if (!blocks) return problem('SecretInvalid', `${KEYS[need][0]} of Secret ${name} holds no PEM certificate.`);
  let first: X509Certificate;
  try {
    first = blocks.map((block) => new X509Certificate(block))[0]!;
  } catch {
    return problem('SecretInvalid', `${KEYS[need][0]} of Secret ${name} holds something that is no certificate.`);
  }
  const chain = blocks.join('\n');
  if (need === 'ca') return { ca: chain };
  try {
    if (!first.checkPrivateKey(createPrivateKey(values[1]!))) {
      return problem(
        'KeyMismatch',
        `tls.key of Secret ${name} does not belong to the certificate in tls.crt: put the matching pair there.`,
      );
    }
  } catch {
    return problem('SecretInvalid', `tls.key of Secret ${name} is no PEM private key without a passphrase.`);
  }
  return { certificate: chain, key: values[1]! };
}

/** Names what was wrong, for telling one attempt from the next. */
export const digestOf = (...parts: string[]): string => createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
