/** Where the driver keeps what on disk. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * A unix socket's path has at most 107 bytes (unix(7), sun_path), and HAProxy binds to `path.PID.tmp` before it renames; what is left is
 * for the state folder.
 */
const longestStateDir = 107 - '/run/0123456789abcdef.m'.length - '.4194304.tmp'.length;

/** The folder of one HAProxy: an amphora's or a VIP's. */
export interface Folder {
  dir: string;
  /** What it runs with. */
  configurationFile: string;
  /** Written and checked before it takes the place of the one above. */
  candidateFile: string;
  logFile: string;
  /** The process that was started last. */
  processFile: string;
  /** What it is for: a `Configuration` (an amphora, once loaded with success) or the VIP's address, ports and amphorae. */
  stateFile: string;
  masterSocket: string;
  adminSocket: string;
}

/** Names of all files under the state folder. `stateDir` must be absolute. */
export class Layout {
  readonly stateDir: string;

  /** @throws RangeError when the path is too long for the sockets in it */
  constructor(stateDir: string) {
    if (Buffer.byteLength(stateDir) > longestStateDir) {
      throw new RangeError(
        `the state folder ${stateDir} has a path of more than ${longestStateDir} bytes, which is too long for the unix sockets in it: choose a shorter --state-dir`,
      );
    }
    this.stateDir = stateDir;
  }

  get addresses(): string {
    return join(this.stateDir, 'addresses');
  }

  amphorae(uid: string): string {
    return join(this.loadBalancer(uid), 'amphorae');
  }

  amphora(uid: string, name: string): Folder {
    return this.#folder(join(this.amphorae(uid), safe(name)));
  }

  vip(uid: string): Folder {
    return this.#folder(join(this.loadBalancer(uid), 'vip'));
  }

  loadBalancer(uid: string): string {
    return join(this.stateDir, 'loadbalancers', safe(uid));
  }

  /** Makes the folder, and the one for its sockets. */
  async create(folder: Folder): Promise<void> {
    await mkdir(folder.dir, { recursive: true, mode: 0o700 });
    await mkdir(dirname(folder.masterSocket), { recursive: true, mode: 0o700 });
  }

  #folder(dir: string): Folder {
    const id = createHash('sha256').update(dir).digest('hex').slice(0, 16);
    const socket = join(this.stateDir, 'run', id);
    return {
      dir,
      configurationFile: join(dir, 'haproxy.cfg'),
      candidateFile: join(dir, 'haproxy.cfg.new'),
      logFile: join(dir, 'haproxy.log'),
      processFile: join(dir, 'process.json'),
      stateFile: join(dir, 'state.json'),
      masterSocket: `${socket}.m`,
      adminSocket: `${socket}.s`,
    };
  }
}

/** Removes a folder with its sockets. */
export async function removeFolder({ dir, masterSocket, adminSocket }: Folder): Promise<void> {
  for (const socket of [masterSocket, adminSocket]) await rm(socket, { force: true });
  await rm(dir, { recursive: true, force: true });
}

/** A name that stays one folder, whatever it holds. */
function safe(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) throw new RangeError(`${JSON.stringify(name)} can't be the name of a folder`);
  return name;
}

let written = 0;

/** Writes a file whole or not at all, readable by its owner alone: it may hold keys. Two that write it at once don't mix. */
export async function writeWhole(file: string, content: string): Promise<void> {
  const part = `${file}.${written++}.part`;
  // On disk before it has its name: after a power cut, the name would stand for an empty file otherwise.
  try {
    await writeFile(part, content, { mode: 0o600, flush: true });
    await rename(part, file);
  } catch (error) {
    // On a full disk each try would leave another one.
    await rm(part, { force: true });
    throw error;
  }
}

export const writeJson = (file: string, value: unknown) => writeWhole(file, `${JSON.stringify(value)}\n`);

/** What the file holds; undefined when there is none. `damaged` stands for one that can't be read as JSON. Default: as if there were none. */
export async function readJson<T>(file: string, damaged?: T): Promise<T | undefined> {
  const text = await readText(file);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return damaged;
  }
}

/** The file's text; undefined when there is none. */
export async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
