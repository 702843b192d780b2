import { once } from 'node:events';
import * as http from 'node:http';
import * as net from 'node:net';
import { text } from 'node:stream/consumers';
import * as tls from 'node:tls';

/** One request on a connection of its own. */
export interface TestRequest {
  /** Default: 127.0.0.1. */
  address?: string;
  port: number;
  method?: string;
  path?: string;
  headers?: http.OutgoingHttpHeaders;
  /** The address to come from. Default: the system's choice. */
  localAddress?: string;
  /** An IPv4 address that a PROXY header, version 2, tells as the client's. Default: no header. */
  proxiedFrom?: string;
  /** Over TLS; nothing is checked unless `ca` is given. */
  tls?: tls.ConnectionOptions;
}

/** What came back. */
export interface TestResponse {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
  /** The certificate that was shown, and the protocol agreed on, over TLS. */
  certificateName?: string;
  tlsVersion?: string;
}

/** Makes one HTTP/1.1 request; rejects when the connection is refused, reset or closed without an answer. */
export async function request({ method = 'GET', path = '/', headers, ...to }: TestRequest): Promise<TestResponse> {
  const socket = await open(to);
  try {
    const req = http.request({ method, path, headers, createConnection: () => socket });
    req.end();
    const [res] = (await once(req, 'response')) as [http.IncomingMessage];
    const response = { status: res.statusCode!, headers: res.headers, body: await text(res) };
    if (!(socket instanceof tls.TLSSocket)) return response;
    return {
      ...response,
      certificateName: [socket.getPeerCertificate().subject.CN].flat()[0],
      tlsVersion: socket.getProtocol() ?? undefined,
    };
  } finally {
    socket.destroy();
  }
}

/** Opens a connection as a request would. */
export async function open({
  address = '127.0.0.1',
  port,
  localAddress,
  proxiedFrom,
  tls: secure,
}: Omit<TestRequest, 'method' | 'path' | 'headers'>): Promise<net.Socket> {
  const plain = net.connect({ host: address, port, localAddress });
  await once(plain, 'connect');
  if (proxiedFrom !== undefined) plain.write(proxyHeaderV2(proxiedFrom, '192.0.2.1', port));
  if (!secure) return plain;
  const socket = tls.connect({ socket: plain, rejectUnauthorized: secure.ca !== undefined, ...secure });
  await once(socket, 'secureConnect');
  return socket;
}

/** A header of the PROXY protocol, version 2, for TCP over IPv4 (HAProxy's proxy-protocol.txt, section 2.2). */
function proxyHeaderV2(source: string, destination: string, port: number): Buffer {
  const bytes = (ip: string) => ip.split('.').map(Number);
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(40_000, 0);
  ports.writeUInt16BE(port, 2);
  const addresses = Buffer.concat([Buffer.from([...bytes(source), ...bytes(destination)]), ports]);
  return Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540a', 'hex'), Buffer.from([0x21, 0x11, 0, addresses.length]), addresses]);
}
