/** HAProxies with configurations as a person would write them, for comparison; and members that are cheap enough not to be what is measured. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { endProcess, logTail, startProcess } from '../../tools/processes.ts';

export interface Address {
  host: string;
  port: number;
}

export interface Haproxy extends Address {
  /** In the arguments of all its processes. */
  configurationFile: string;
  /** At once, with all connections. */
  stop(): Promise<void>;
}

/**
 * Starts it, and resolves once its port is open. `configuration` may need the folder of its files. It has a session of its own, as the driver
 * `process` gives its HAProxies: Linux shares processors among sessions first (sched(7), autogroup), and that of the load would count for more.
 */
export async function startByHand(configuration: string | ((dir: string) => string), address: Address): Promise<Haproxy> {
  const dir = await mkdtemp(join(tmpdir(), 'reflavor-bench-'));
  const [configurationFile, logFile] = [join(dir, 'haproxy.cfg'), join(dir, 'log')];
  await writeFile(configurationFile, typeof configuration === 'string' ? configuration : configuration(dir));
  const identity = await startProcess({ name: 'haproxy', command: 'setsid', args: ['haproxy', '-W', '-f', configurationFile], logFile });
  const stop = async () => {
    await endProcess(identity);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await eventually(() => opens(address), { everyMs: 5 });
  } catch (cause) {
    const words = logTail(logFile);
    await stop();
    throw new Error(`HAProxy does not listen on port ${address.port}: ${words}`, { cause });
  }
  return { ...address, configurationFile, stop };
}

/** Rejects where nobody listens. */
export function opens({ host, port }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}

/** A web server: HAProxy answers every request itself. */
export const memberConfiguration = ({ host, port }: Address) => `
global
  maxconn 4000
  nbthread 1
defaults
  mode http
  timeout client 1m
frontend member
  bind ${host}:${port}
  http-request return status 200 content-type text/plain string member
`;

export interface ByHandOptions {
  threads: number;
  maxConnections: number;
  members: readonly Address[];
  /** Connections come with a PROXY header. */
  acceptsProxy?: boolean;
}

/** The listener and the pool of `loadBalancerSpec`. */
export const webConfiguration = ({ host, port }: Address, { threads, maxConnections, members, acceptsProxy }: ByHandOptions) => `
global
  maxconn ${maxConnections}
  nbthread ${threads}
defaults
  mode http
  timeout connect 5s
  timeout client 50s
  timeout server 50s
frontend web
  bind ${host}:${port}${acceptsProxy ? ' accept-proxy' : ''}
  option forwardfor
  default_backend web
backend web
  balance roundrobin
  option httpchk GET /health
  default-server check inter 1s
${members.map((member, i) => `  server member${i + 1} ${member.host}:${member.port}`).join('\n')}
`;

/** A TCP proxy, which tells the next one who the client is. */
export const tcpConfiguration = ({ host, port }: Address, next: Address) => `
global
  maxconn 4000
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend vip
  bind ${host}:${port}
  default_backend web
backend web
  server web ${next.host}:${next.port} send-proxy-v2 check
`;
