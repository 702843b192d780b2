import { type Listener, ListenerTls } from '../../api/index.ts';
import { settled } from './change.ts';
import { invalid, unsupported } from './fault.ts';
import { write } from './fields.ts';

export const TLS_REFERENCES = ['default_tls_container_ref', 'client_ca_tls_container_ref', 'client_crl_container_ref'] as const;
const CERTIFICATES = [...TLS_REFERENCES, 'sni_container_refs'] as const;
export const HSTS_FIELDS = ['hsts_max_age', 'hsts_include_subdomains', 'hsts_preload'] as const;
const FIELDS = [...CERTIFICATES, 'tls_ciphers', 'tls_versions', 'alpn_protocols', 'client_authentication', ...HSTS_FIELDS] as const;

type TlsBody = Partial<Record<(typeof FIELDS)[number], unknown>>;

/** Whether a body asks for something by this field, and does not only say that it wants nothing. */
const asks = (body: TlsBody) => (name: (typeof FIELDS)[number]) => {
  const value = body[name];
  return value !== undefined && value !== null && value !== false && value !== 'NONE' && !(Array.isArray(value) && value.length === 0);
};

/** Writes what a body says of TLS into a listener. @throws OctaviaFault 400 where it does not go together, 501 */
export function writeListenerTls(next: Partial<Listener>, body: TlsBody): void {
  if (next.protocol !== 'TERMINATED_HTTPS') {
    refuse(next.protocol!, body);
    return;
  }
  const tls: Partial<ListenerTls> = { ...next.tls };
  write(tls, body, FIELDS);
  if (tls.sniContainerRefs?.length === 0) delete tls.sniContainerRefs;
  // In Octavia an empty reference is none.
  for (const name of ['defaultTlsContainerRef', 'clientCaTlsContainerRef', 'clientCrlContainerRef'] as const)
    if (tls[name] === '') delete tls[name];
  if (tls.defaultTlsContainerRef === undefined)
    throw invalid(
      tls.sniContainerRefs
        ? 'default_tls_container_ref must be given beside sni_container_refs: the Secret with the certificate of clients that name none of these.'
        : 'An SNI or default certificate container reference must be provided for TERMINATED_HTTPS protocol listeners: set default_tls_container_ref to the name of a Secret of type kubernetes.io/tls in the same namespace.',
    );
  if (tls.clientAuthentication !== undefined && tls.clientAuthentication !== 'NONE' && !tls.clientCaTlsContainerRef)
    throw invalid(`Client authentication setting ${tls.clientAuthentication} requires a client CA container reference.`);
  if (tls.clientCrlContainerRef && !tls.clientCaTlsContainerRef)
    throw invalid('A client authentication CA reference is required to specify a client authentication revocation list.');
  if ((tls.hstsIncludeSubdomains || tls.hstsPreload) && tls.hstsMaxAge === undefined)
    throw invalid('HSTS configuration options hsts_include_subdomains and hsts_preload only make sense if hsts_max_age is set as well.');
  requireVersions(tls.tlsVersions);
  next.tls = settled(ListenerTls, tls);
}

/** @throws OctaviaFault 400 for no version at all, 501 for one that is not to be had */
export function requireVersions(versions: readonly string[] | undefined): void {
  if (versions?.length === 0)
    throw invalid('Empty TLS version list. Either specify at least one TLS version or remove this parameter to use the default.');
  if (versions?.includes('SSLv3')) throw unsupported('tls_versions SSLv3. Use TLSv1.2 or TLSv1.3.');
}

function refuse(protocol: string, body: TlsBody): void {
  if (CERTIFICATES.some(asks(body))) throw invalid(`Certificate container references are not allowed on ${protocol} protocol listeners.`);
  if (HSTS_FIELDS.some(asks(body))) throw invalid('The HSTS feature can only be used for listeners using the TERMINATED_HTTPS protocol.');
  const other = FIELDS.find(asks(body));
  if (other) throw invalid(`${other} belongs to listeners of protocol TERMINATED_HTTPS, this one has ${protocol}: leave it out.`);
}
