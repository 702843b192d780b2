import type { ListenerTls, TlsVersion } from '../../../api/index.ts';
import type { Configuration, TlsMaterial } from '../configuration.ts';
import { addFile, type Files } from './files.ts';
import type { Backend } from './plan.ts';

type Version = (typeof TlsVersion.options)[number];
const versions = [
  ['TLSv1', 'TLSv1.0'],
  ['TLSv1.1', 'TLSv1.1'],
  ['TLSv1.2', 'TLSv1.2'],
  ['TLSv1.3', 'TLSv1.3'],
] as const;

/** Words after `bind <address>` that end TLS there: certificates by server name, versions, ciphers, ALPN, client authentication. */
export function bindTls(tls: ListenerTls, secrets: Configuration['secrets'], files: Files, filesDir: string): string[] {
  const words = ['ssl', 'crt', certificateFile(tls.defaultTlsContainerRef, secrets, files)];
  const byServerName = [...new Set(tls.sniContainerRefs ?? [])].sort().map((ref) => certificateFile(ref, secrets, files));
  if (byServerName.length > 0) words.push('crt-list', `${filesDir}/${addFile(files, 'crt-list', byServerName.join('\n'))}`);
  words.push(...versionWords(tls.tlsVersions), ...cipherWords(tls.tlsCiphers), ...bindAlpnWords(tls.alpnProtocols));
  if (tls.clientAuthentication === 'NONE') return words;
  words.push('verify', tls.clientAuthentication === 'MANDATORY' ? 'required' : 'optional');
  if (tls.clientCaTlsContainerRef) words.push('ca-file', authorityFile(tls.clientCaTlsContainerRef, secrets, files));
  if (tls.clientCrlContainerRef) words.push('crl-file', revocationFile(tls.clientCrlContainerRef, secrets, files));
  return words;
}

/**
 * Words of a server that speaks TLS to its members. Without a CA they are not checked, as in Octavia; with one, their name is as well where
 * the client named a server (SNI), which is passed on.
 */
export function serverTls({ pool }: Pick<Backend, 'pool'>, secrets: Configuration['secrets'], files: Files): string[] {
  const tls = pool.tls;
  if (!tls?.tlsEnabled) return [];
  const words = ['ssl', 'sni', 'ssl_fc_sni', ...versionWords(tls.tlsVersions), ...cipherWords(tls.tlsCiphers)];
  words.push(...alpnWords(tls.alpnProtocols ?? []));
  if (tls.tlsContainerRef) words.push('crt', certificateFile(tls.tlsContainerRef, secrets, files));
  if (tls.caTlsContainerRef) words.push('verify', 'required', 'ca-file', authorityFile(tls.caTlsContainerRef, secrets, files));
  else words.push('verify', 'none');
  if (tls.crlContainerRef) words.push('crl-file', revocationFile(tls.crlContainerRef, secrets, files));
  return words;
}

/**
 * HAProxy takes a range of versions: of a list with a hole, the newest unbroken run serves, since no version that was left out may. SSLv3
 * is in no build of OpenSSL that HAProxy has today, and is passed over.
 */
function versionWords(wanted: readonly Version[] = ['TLSv1.2', 'TLSv1.3']): string[] {
  const allowed = versions.map(([version]) => wanted.includes(version));
  const newest = allowed.lastIndexOf(true);
  if (newest === -1) return versionWords();
  const oldest = allowed.lastIndexOf(false, newest) + 1;
  return ['ssl-min-ver', versions[oldest]![1], 'ssl-max-ver', versions[newest]![1]];
}

/** OpenSSL has two lists: cipher suites of TLS 1.3 by their IANA names (`TLS_…`), and the older ones. */
function cipherWords(list: string | undefined): string[] {
  const names = (list ?? '').split(':').filter((name) => name !== '');
  const suites = names.filter((name) => name.startsWith('TLS_'));
  const older = names.filter((name) => !name.startsWith('TLS_'));
  return [...(older.length > 0 ? ['ciphers', older.join(':')] : []), ...(suites.length > 0 ? ['ciphersuites', suites.join(':')] : [])];
}

/** An empty list must be said as well: from 2.8 on HAProxy offers HTTP/2 by default. */
function bindAlpnWords(protocols: readonly string[] = ['h2', 'http/1.1']): string[] {
  return alpnWords(protocols.length > 0 ? protocols : ['http/1.1']);
}

function alpnWords(protocols: readonly string[]): string[] {
  return protocols.length > 0 ? ['alpn', protocols.join(',')] : [];
}

function certificateFile(secret: string, secrets: Configuration['secrets'], files: Files): string {
  const { certificate, key } = material(secret, secrets);
  return addFile(files, 'certificate', `${need(certificate, secret, 'certificate').trimEnd()}\n${need(key, secret, 'key')}`);
}

function authorityFile(secret: string, secrets: Configuration['secrets'], files: Files): string {
  return addFile(files, 'ca', need(material(secret, secrets).ca, secret, 'ca'));
}

function revocationFile(secret: string, secrets: Configuration['secrets'], files: Files): string {
  return addFile(files, 'crl', need(material(secret, secrets).crl, secret, 'crl'));
}

function material(secret: string, secrets: Configuration['secrets']): TlsMaterial {
  const found = Object.hasOwn(secrets, secret) ? secrets[secret] : undefined;
  if (!found) throw new TypeError(`the configuration refers to the Secret ${secret} and doesn't have it`);
  return found;
}

function need(value: string | undefined, secret: string, part: keyof TlsMaterial): string {
  if (value === undefined) throw new TypeError(`the configuration has the Secret ${secret} without its ${part}`);
  return value;
}
