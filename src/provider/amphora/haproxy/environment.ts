/** What a driver decides about an amphora's HAProxy. */
export interface RenderEnvironment {
  /** The amphora's own address, without brackets; every listener binds to it. */
  bindAddress: string;
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
}

/** Port of every amphora for `aliveBind`, where a driver uses its own address. No listener can have it. */
export const ALIVE_PORT = 61026;
