import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { findBinaries } from '../../tools/binaries.ts';
import { buildPackage, buildPlugin } from '../../tools/package/build.ts';
import { use } from './use.ts';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  /** Told of all output at each piece, with what it takes to interrupt it, once. */
  onOutput?: (all: string, interrupt: () => void) => void;
}

export interface Plugin {
  /** Where it is. */
  dir: string;
  /** Runs `kubectl lb …`: the real kubectl with the built plugin in its PATH. */
  run(kubeconfig: string, args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Runs any program with the plugin and kubectl in its PATH. */
  exec(kubeconfig: string, command: string, args: readonly string[], options?: RunOptions): Promise<Ended>;
}

/** The plugin, built for this suite. The value may be used inside hooks and tests only. */
export const usePlugin = (): Plugin => useBuilt(buildPlugin);

/** The same with the whole package in its folder. */
export const usePackage = (): Plugin => useBuilt(buildPackage);

function useBuilt(build: (dir: string) => Promise<unknown>): Plugin {
  const start = async (): Promise<Plugin> => {
    const dir = await mkdtemp(join(tmpdir(), 'reflavor-package-'));
    await build(dir);
    const { kubectl } = findBinaries();
    const exec: Plugin['exec'] = (kubeconfig, command, args, { env, onOutput } = {}) => {
      // Each of these decides about colours; where tests run, CI is often set.
      const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...inherited } = process.env;
      const path = [dir, join(kubectl, '..'), process.env.PATH].join(delimiter);
      const child = spawn(command, args, {
        env: { ...inherited, PATH: path, KUBECONFIG: kubeconfig, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let interrupted = false;
      const interrupt = () => {
        if (!interrupted) child.kill('SIGINT');
        interrupted = true;
      };
      const said = { stdout: '', stderr: '' };
      for (const stream of ['stdout', 'stderr'] as const) {
        child[stream].setEncoding('utf8').on('data', (text: string) => {
          said[stream] += text;
          onOutput?.(said.stdout + said.stderr, interrupt);
        });
      }
      return new Promise((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (code) => resolve({ code, ...said }));
      });
    };
    return { dir, exec, run: (kubeconfig, args, options) => exec(kubeconfig, kubectl, ['lb', ...args], options) };
  };
  return use('the plugin', start, ({ dir }) => rm(dir, { recursive: true, force: true }));
}
