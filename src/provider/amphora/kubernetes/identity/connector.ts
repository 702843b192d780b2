import type { Duplex } from 'node:stream';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { endpoint } from '../../haproxy/address.ts';
import type { Connect } from '../../haproxy/index.ts';

/** Where a connection goes, and who is to be there. */
export interface Peer {
  address: string;
  port: number;
  /** What the certificate there must be for. */
  serverName: string;
}

/** Begins a connection to an address of the pod network, in another way than from here by TCP. What goes wrong is an `error` of the stream. */
export type Dial = (to: { host: string; port: number }) => Duplex;

/** A connector by TLS 1.3 that shows the certificate of a context, and knows the other side by its authority and name. */
export function tlsConnector(
  { address, port, serverName }: Peer,
  context: (signal: AbortSignal) => Promise<SecureContext>,
  dial?: Dial,
): Connect {
  return async (signal) => {
    const secureContext = await context(signal);
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const to = { host: address, port };
      const way = dial ? { socket: dial(to) } : to;
      const socket = connectTls({ ...way, servername: serverName, secureContext, minVersion: 'TLSv1.3' });
      const abort = () => socket.destroy(signal.reason);
      const fail = (error: Error) => {
        signal.removeEventListener('abort', abort);
        reject(signal.aborted ? error : new Error(`${endpoint(address, port)} ${inWords(error)}`, { cause: error }));
      };
      signal.addEventListener('abort', abort, { once: true });
      socket.once('error', fail);
      socket.once('secureConnect', () => {
        signal.removeEventListener('abort', abort);
        socket.off('error', fail);
        socket.setNoDelay(true);
        resolve(socket);
      });
    });
  };
}

const words: Record<string, string> = {
  ECONNREFUSED: 'takes no connection: HAProxy does not run there',
  EHOSTUNREACH: "can't be reached: its node may be gone",
  ENETUNREACH: "can't be reached: its node may be gone",
  ETIMEDOUT: 'does not answer: its node may be gone, or a NetworkPolicy is in the way',
  ECONNRESET: 'closed the connection before it was known who is there',
  ERR_TLS_CERT_ALTNAME_INVALID: 'is another amphora: the address is no longer this one’s',
  CERT_HAS_EXPIRED: 'shows a certificate that has expired',
  CERT_NOT_YET_VALID: 'shows a certificate that is not valid yet: the clock of this machine is behind',
};

/** What OpenSSL says of a certificate whose authority it does not have (verify(1), "Diagnostics"). */
const strangers = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_SIGNATURE_FAILURE',
]);

function inWords(error: NodeJS.ErrnoException): string {
  const code = error.code ?? '';
  if (strangers.has(code)) return 'shows a certificate of another authority than the operator’s';
  return words[code] ?? `can't be spoken to: ${error.message}`;
}
