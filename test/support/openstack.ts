import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { openstackDir, openstackVenv } from '../../tools/binaries.ts';
import { use } from './use.ts';

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** OpenStack's clients as users have them, with the package of clients/openstack installed beside them, in a folder of this suite's own. */
export interface OpenstackClients {
  /** Where the copy of the package with its tests is. */
  dir: string;
  /** The environment in which a shell finds them. */
  env: Record<string, string>;
  /** Runs a program of the Python environment, such as `openstack`, in that folder. */
  run(program: string, args: readonly string[], env?: Record<string, string>): Promise<Finished>;
  /** Runs the real `openstack` against the service at a URL; gives what it wrote to stdout, and rejects with what it wrote to stderr. */
  openstack(service: Service, ...args: string[]): Promise<string>;
  /** The same, all in one process, one command after the other: for many commands to one service. */
  shell(service: Service): Shell;
}

export interface Service {
  url: string;
  token: string;
}

export interface Shell {
  openstack(...args: string[]): Promise<string>;
  close(): Promise<void>;
}

/** The values may be read inside hooks and tests only. */
export function useOpenstackClients(): OpenstackClients {
  return use('OpenStack’s clients', start, async ({ dir }) => rm(dir, { recursive: true, force: true }));
}

async function start(): Promise<OpenstackClients> {
  const venv = openstackVenv();
  const dir = await mkdtemp(join(tmpdir(), 'reflavor-openstack-'));
  const env = {
    PATH: `${join(venv, 'bin')}:${process.env.PATH}`,
    HOME: dir,
    XDG_CACHE_HOME: join(dir, 'cache'),
    PYTHONPATH: join(dir, 'installed'),
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const cwd = join(dir, 'package');
  const authOf = ({ url, token }: Service) => ['--os-auth-type', 'admin_token', '--os-endpoint', url, '--os-token', token];
  const clients: OpenstackClients = {
    dir,
    env,
    async run(program, args, more = {}) {
      const child = spawn(join(venv, 'bin', program), args, { cwd, env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
      const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
      return { code, stdout, stderr };
    },
    async openstack(service, ...args) {
      return stdoutOf(args, await clients.run('openstack', [...authOf(service), ...args]));
    },
    shell(service) {
      const script = join(import.meta.dirname, 'openstack-shell.py');
      const child = spawn(join(venv, 'bin/python'), [script], { cwd, env, stdio: ['pipe', 'pipe', 'inherit'] });
      // One that has ended takes no more: what follows says so.
      child.stdin.on('error', () => {});
      const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
      let last: Promise<unknown> = Promise.resolve();
      return {
        openstack(...args) {
          const run = last.then(async () => {
            child.stdin.write(`${JSON.stringify([...authOf(service), ...args])}\n`);
            const { value } = await answers.next();
            if (value === undefined) throw new Error(`openstack ${args.join(' ')}: the process ended`);
            return stdoutOf(args, JSON.parse(value) as Finished);
          });
          last = run.catch(() => {});
          return run;
        },
        async close() {
          child.stdin.end();
          await once(child, 'close');
        },
      };
    },
  };
  // A copy, since the build writes beside its sources.
  await cp(openstackDir, join(dir, 'package'), { recursive: true });
  const offline = ['--quiet', '--disable-pip-version-check', '--no-index', '--no-deps', '--no-build-isolation'];
  const { code, stderr } = await clients.run('pip', ['install', ...offline, '--target', join(dir, 'installed'), '.']);
  if (code !== 0) throw new Error(`pip install clients/openstack failed: ${stderr}`);
  return clients;
}

function stdoutOf(args: readonly string[], { code, stdout, stderr }: Finished): string {
  if (code !== 0) throw new Error(`openstack ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}
