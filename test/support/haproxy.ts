import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Listener, Pool } from '../../src/api/index.ts';
import type { Configuration, MemberServer, PoolConfiguration } from '../../src/provider/amphora/configuration.ts';
import { ConfigurationRefused } from '../../src/provider/amphora/driver.ts';
import {
  ADMIN_PORT,
  alertsOf,
  carriedOver,
  HEALTH_PORT,
  MasterControl,
  PEERS_PORT,
  type RenderEnvironment,
  render,
  unixSocket,
} from '../../src/provider/amphora/haproxy/index.ts';
import type { IdentityFiles } from '../../src/provider/amphora/kubernetes/identity/index.ts';
import { endProcess, logTail, startProcess } from '../../tools/processes.ts';
import { eventually } from './eventually.ts';

const exec = promisify(execFile);

/** A running HAProxy with the configuration of one amphora. */
export interface TestHaproxy {
  readonly control: MasterControl;
  readonly address: string;
  /** Writes the configuration, has it checked, and reloads. @throws ConfigurationRefused, and what runs goes on */
  load(configuration: Configuration): Promise<void>;
  /** Writes the configuration without a reload, as a driver does beside `applyMembers`; for another environment than its own, if given. */
  write(configuration: Configuration, other?: Partial<RenderEnvironment>): Promise<void>;
  log(): Promise<string>;
  stop(): Promise<void>;
}

export interface TestHaproxyOptions extends Partial<Pick<RenderEnvironment, 'acceptProxy' | 'aliveBind' | 'peersBind' | 'digest'>> {
  /** A loopback address. Default: 127.0.0.1. */
  address?: string;
  /** Its identity. With it, it has ports for the operator, for health and, in TLS, for peers, as an amphora in a pod. */
  identity?: IdentityFiles;
  /** Address of the active one. */
  standbyOf?: string;
}

/** Starts a real HAProxy (`haproxy` on the PATH) in a folder of its own, and resolves once it answers. */
export async function startHaproxy(configuration: Configuration, options: TestHaproxyOptions = {}): Promise<TestHaproxy> {
  const { address = '127.0.0.1', acceptProxy = false, identity, standbyOf, ...rest } = options;
  const dir = await mkdtemp(join(tmpdir(), 'reflavor-haproxy-'));
  const path = (name: string) => join(dir, name);
  const environment = {
    ...(identity ? podEnvironment(address, path) : {}),
    ...rest,
    standbyOf: standbyOf && `${standbyOf}:${HEALTH_PORT}`,
    bindAddress: address,
    acceptProxy,
    filesDir: path('files'),
    adminSocket: path('admin.sock'),
    serverStateFile: path('state'),
  };
  await mkdir(path('files'));
  for (const [name, content] of Object.entries(identity ?? {})) await writeFile(path(`files/${name}`), content);
  await writeFile(path('state'), '');
  const write: TestHaproxy['write'] = (next, other) => writeConfiguration(next, { ...environment, ...other }, path('haproxy.cfg'));
  await write(configuration);
  const args = ['-W', '-S', `${path('master.sock')},mode,600,level,admin`, '-f', path('haproxy.cfg')];
  const started = await startProcess({ name: 'haproxy', command: 'haproxy', args, logFile: path('log') });
  const control = new MasterControl(unixSocket(path('master.sock')));
  const stop = async () => {
    await endProcess(started, { graceMs: 3000 });
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await eventually(() => control.worker('show info'));
  } catch (cause) {
    const words = logTail(path('log'));
    await stop();
    throw new Error(`HAProxy does not answer: ${words}`, { cause });
  }
  return {
    control,
    address,
    write,
    async load(next) {
      await write(next);
      await writeFile(path('state'), carriedOver(await control.worker('show servers state')));
      await control.reload();
    },
    log: () => readFile(path('log'), 'utf8'),
    stop,
  };
}

/** The ports of an amphora that is spoken to over the network. */
function podEnvironment(address: string, path: (name: string) => string): Partial<RenderEnvironment> {
  const files = (kind: string) => ({ certificate: path(`files/${kind}.pem`), authority: path(`files/${kind}-ca.pem`) });
  return {
    admin: { bind: `${address}:${ADMIN_PORT}`, masterSocket: path('master.sock'), ...files('admin') },
    healthBind: `${address}:${HEALTH_PORT}`,
    peersBind: `${address}:${PEERS_PORT}`,
    peersTls: files('peer'),
  };
}

/** The file is replaced only by one that HAProxy takes. */
async function writeConfiguration(configuration: Configuration, environment: RenderEnvironment, file: string): Promise<void> {
  const { config, files } = render(configuration, environment);
  for (const [name, content] of Object.entries(files)) await writeFile(join(environment.filesDir, name), content, { mode: 0o600 });
  await writeFile(`${file}.new`, config);
  await exec('haproxy', ['-c', '-f', `${file}.new`]).catch((error: { stderr: string }) => {
    throw new ConfigurationRefused(alertsOf(error.stderr) || error.stderr);
  });
  await rename(`${file}.new`, file);
}

type Given<T> = T extends { parse(input: infer _): infer O } ? Partial<O> : never;

/** A listener with Octavia's defaults: HTTP to the pool `app`. */
export function listener(given: Given<typeof Listener> & { protocolPort: number }): Listener {
  return Listener.parse({ name: 'web', protocol: 'HTTP', defaultPool: 'app', ...given });
}

/** A pool `app` of HTTP with these members. */
export function pool(
  members: readonly (Partial<MemberServer> & { protocolPort: number })[],
  given: Given<typeof Pool> = {},
): PoolConfiguration {
  return { pool: Pool.parse({ name: 'app', protocol: 'HTTP', ...given }), servers: members.map(server) };
}

/** A member on 127.0.0.1. */
export function server(given: Partial<MemberServer> & { protocolPort: number }): MemberServer {
  return { address: '127.0.0.1', weight: 1, backup: false, enabled: true, draining: false, ...given };
}

/** A configuration of one amphora. */
export function configuration(given: Partial<Configuration> = {}): Configuration {
  return {
    loadBalancer: { namespace: 'default', name: 'lb', uid: '4f6c0f5e-0000-4000-8000-000000000000' },
    role: 'STANDALONE',
    flavor: { threads: 1, maxConnections: 200 },
    listeners: [],
    problems: [],
    pools: [],
    secrets: {},
    peer: 0,
    peers: [],
    ...given,
  };
}
