import type { AmphoraRole } from '../../../api/index.ts';

/** An amphora as the VIP's HAProxy has it. */
export interface VipServer {
  amphora: string;
  role: AmphoraRole;
  address: string;
  checkAddress: string;
  checkPort: number;
}

/** What a VIP is to be; kept beside its process, which can be started again from it. */
export interface VipState {
  address: string;
  ports: number[];
  /** The amphorae attached. */
  servers: VipServer[];
}

/** The backend with the checked servers, and the one whose servers are tried when no check succeeds any more. */
export const BACKENDS = ['amphorae', 'last-resort'] as const;
export type Backend = (typeof BACKENDS)[number];

/** A server's name in both backends. Its role is part of it: HAProxy can't make a backup server an active one. */
export const serverName = ({ amphora, role }: Pick<VipServer, 'amphora' | 'role'>) => (role === 'BACKUP' ? `${amphora}:backup` : amphora);

/** The amphora that a server of this name is. */
export const amphoraOf = (server: string) => server.replace(/:backup$/, '');

/** The name of the socket of a port, as `show stat` gives it. */
export const socketName = (port: number) => `port-${port}`;

/**
 * The arguments of a server, the same in the file and in `add server`. It has no port of its own, so that a connection keeps the port
 * that the client asked for (manual section 5.2, "server"). The check goes to the CLI of the amphora (see `tcp-check` below).
 */
export function serverArguments(server: VipServer, backend: Backend): string {
  const backup = server.role === 'BACKUP' ? ' backup' : '';
  const check = ` check addr ${server.checkAddress} port ${server.checkPort} inter 500ms fall 2 rise 1`;
  return `${server.address} send-proxy-v2${backend === 'amphorae' ? check : ''}${backup}`;
}

/**
 * Two for each connection: some 50,000 of these, or fewer where `ulimit -n` is lower. HAProxy allocates for as many as it may open, which
 * in a container can be a thousand million.
 */
const mostFiles = 100_000;

/**
 * The configuration of a VIP's HAProxy, which stands where kube-proxy would.
 * - The check asks the amphora's CLI, which is exempt from connection limits: a saturated amphora answers it, a frozen one does not.
 *   A server marked down keeps its sessions: a check may be wrong, and a cut session is not to be mended.
 * - When every check fails, the amphorae are tried all the same: a machine too busy to answer checks in time would otherwise be an outage.
 * - A client waits as long for a saturated amphora as it would in the kernel's queue, and nothing here ends a connection that is idle.
 */
export function renderVip(vip: VipState, sockets: { adminSocket: string }): string {
  const binds = vip.ports.map((port) => `  bind ${vip.address}:${port} name ${socketName(port)}`);
  const servers = (backend: Backend) => vip.servers.map((server) => `  server ${serverName(server)} ${serverArguments(server, backend)}`);
  const frontend = [
    'frontend vip',
    '  option socket-stats',
    ...binds,
    '  use_backend last-resort if { nbsrv(amphorae) eq 0 }',
    '  default_backend amphorae',
  ];
  return [
    'global',
    `  stats socket ${sockets.adminSocket} mode 600 level admin expose-fd listeners`,
    '  nbthread 1',
    `  fd-hard-limit ${mostFiles}`,
    'defaults',
    '  mode tcp',
    '  balance roundrobin',
    '  timeout connect 2m',
    '  timeout client 24d',
    '  timeout server 24d',
    '  timeout check 1s',
    '  retries 3',
    '  option redispatch 1',
    ...(binds.length > 0 ? frontend : []),
    'backend amphorae',
    '  option tcp-check',
    '  tcp-check connect',
    '  tcp-check send "show info\\n"',
    '  tcp-check expect string "Name: HAProxy"',
    ...servers('amphorae'),
    'backend last-resort',
    ...servers('last-resort'),
    '',
  ].join('\n');
}
