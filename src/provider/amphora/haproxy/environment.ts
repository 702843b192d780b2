/** What a driver decides about an amphora's HAProxy. */
export interface RenderEnvironment {
  /** The amphora's own address, without brackets; every listener binds to it. */
  bindAddress: string;
  /** An IPv6 address to which every listener binds as well, where `bindAddress` is one of IPv4. */
  bindAddress6?: string;
  /** Whether connections come with a PROXY header, from which the client's address is then taken (HAProxy manual section 5.1). */
  acceptProxy: boolean;
  /** Absolute path of the folder where `Rendered.files` will be. */
  filesDir: string;
  /** Absolute path of the worker's own socket (at most 107 bytes): level admin, and hands the listening sockets to a new worker. */
  adminSocket: string;
  /** `address:port` that answers `show info` to a check. It is exempt from maxconn, so that a saturated amphora answers and a frozen one doesn't. */
  aliveBind?: string;
  /** `address:port` where other amphorae fetch stick tables; the port must be PEERS_PORT. Without it, nothing is handed over. */
  peersBind?: string;
  /** Absolute path of a file with the output of `show servers state`, read at start and at every reload. */
  serverStateFile?: string;
  user?: string;
  group?: string;
  /** Where the operator speaks to the master from another machine. */
  admin?: AdminEnvironment;
  /** The identity with which peers know each other, by mutual TLS; in the clear without it. */
  peersTls?: TlsFiles;
  /** `address:port` of a frontend that answers `GET /alive` while HAProxy works, and `GET /ready` with 503 while a standby has nothing to do. */
  healthBind?: string;
  /** `address:port` of the active amphora's `healthBind`: this one is its standby, ready only while that one is not alive. */
  standbyOf?: string;
  /** Names what of this environment may change under a running HAProxy; it reports it as `ENVIRONMENT_DIGEST` (`show env`). One word. */
  digest?: string;
}

/** Absolute paths: a certificate with its key, and the authorities by which the other side is known. PEM. */
export interface TlsFiles {
  certificate: string;
  authority: string;
}

/** A port that leads to the master's socket, for whoever shows a certificate of the authority. */
export interface AdminEnvironment extends TlsFiles {
  /** `address:port`. */
  bind: string;
  /** Absolute path of the socket (`haproxy -S`). */
  masterSocket: string;
}

/** Port of every amphora for `aliveBind`, where a driver uses its own address. No listener can have it. */
export const ALIVE_PORT = 61026;

/** Ports of an amphora whose control is on the same address as its listeners: no listener can have one of these. */
export const ADMIN_PORT = 61027;
export const HEALTH_PORT = 61028;
