import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const exec = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
const { version, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
  devDependencies: Record<string, string>;
};

describe('the bundle', () => {
  let dir: string;
  beforeAll(async () => {
    // Far from node_modules: what is missing in the file is missed here.
    dir = await mkdtemp(join(tmpdir(), 'reflavor-bundle-'));
    await exec(process.execPath, [join(root, 'tools/bundle.ts'), '--out', join(dir, 'reflavor.mjs')]);
  }, 60_000);
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test('runs on its own', async () => {
    const { stdout } = await exec(process.execPath, [join(dir, 'reflavor.mjs'), 'operator', '--help'], { cwd: dir });
    expect(stdout).toContain('--default-flavor');
  });

  test('loads a kubeconfig, and says so when there is none', async () => {
    const kubeconfig = join(dir, 'none');
    const ended = exec(process.execPath, [join(dir, 'reflavor.mjs'), 'operator', `--kubeconfig=${kubeconfig}`], { cwd: dir });
    await expect(ended).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(kubeconfig) });
  });

  test('is what the image copies', async () => {
    const copied = [...dockerfile.matchAll(/\/build\/dist\/(\S+)/g)].map(([, file]) => file);
    expect(copied.sort()).toEqual((await readdir(dir)).sort());
  });
});

describe('the image', () => {
  test('copies files that there are, and that .dockerignore lets through', () => {
    const letIn = readFileSync(join(root, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths]) => paths!.split(' '));
    expect(sources.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(sources.sort()).toEqual(letIn.sort());
  });

  test('runs the Node that is tested with, on the version that it says', () => {
    const major = devDependencies.node?.split('.')[0];
    expect([...dockerfile.matchAll(/^FROM docker\.io\/library\/node:(\d+)-/gm)].map(([, tag]) => tag)).toEqual([major, major]);
    expect(dockerfile).toContain(`ARG VERSION=${version}\n`);
  });

  test('runs as the user of the chart, who is not root', () => {
    const user = /^USER (\d+):\d+$/m.exec(dockerfile)?.[1];
    expect(Number(user)).toBeGreaterThan(0);
    expect(readFileSync(join(root, 'charts/reflavor/templates/_helpers.tpl'), 'utf8')).toContain(`runAsUser: ${user}`);
  });
});
