import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { renderKubeconfig } from '../../tools/kubeconfig.ts';

const exec = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
/** What it copies of the checkout. */
const sources = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths]) => paths!.split(' '));
/** The folder that it takes from the build. */
const bundle = /^COPY --from=build \/reflavor\/build\/(\S+) \/usr\/local\/lib\/reflavor$/m.exec(dockerfile)![1]!;
const { version, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
  devDependencies: Record<string, string>;
};

describe('the bundle', () => {
  let dir: string;
  beforeAll(async () => {
    // Made of what the image copies alone, and far from node_modules: what is missing in either is missed here.
    dir = await mkdtemp(join(tmpdir(), 'reflavor-bundle-'));
    const context = await mkdtemp(join(tmpdir(), 'reflavor-context-'));
    try {
      for (const path of sources) await cp(join(root, path), join(context, path), { recursive: true });
      await symlink(join(root, 'node_modules'), join(context, 'node_modules'));
      await exec(process.execPath, [join(context, 'tools/bundle.ts')]);
      await cp(join(context, bundle), dir, { recursive: true });
    } finally {
      await rm(context, { recursive: true, force: true });
    }
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

  test('serves the API with the page that describes it', async () => {
    const kubeconfig = join(dir, 'kubeconfig');
    await writeFile(kubeconfig, renderKubeconfig({ url: 'https://127.0.0.1:1', caPem: '', user: 'nobody', certPem: '', keyPem: '' }));
    const nowhere = ['--metrics-bind-address=0', '--health-bind-address=0'];
    const args = [join(dir, 'reflavor.mjs'), 'api', `--kubeconfig=${kubeconfig}`, '--bind-address=127.0.0.1:0', ...nowhere];
    const api = spawn(process.execPath, args, { cwd: dir, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let port: number | undefined;
      for await (const line of createInterface(api.stdout)) {
        port = (JSON.parse(line) as { port?: number }).port;
        if (port) break;
      }
      const get = async (path: string) => {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`);
        return { status: answer.status, length: (await answer.text()).length };
      };
      expect((await get('/')).status).toBe(200);
      for (const file of ['', 'static/swagger-ui-bundle.js', 'static/swagger-ui.css', 'static/logo.svg', 'json'])
        expect({ file, ...(await get(`/docs/${file}`)) }).toMatchObject({ file, status: 200 });
    } finally {
      api.kill();
      await once(api, 'exit');
    }
    expect(api.exitCode).toBe(0);
  }, 60_000);

  test("has none of client-node's models: they are 12 MiB of an operator's memory", async () => {
    const programs = (await readdir(dir)).filter((name) => name.endsWith('.mjs'));
    const texts = await Promise.all(programs.map((name) => readFile(join(dir, name), 'utf8')));
    expect(programs).toContain('reflavor.mjs');
    expect(texts.filter((text) => text.includes('FlowcontrolV1Subject'))).toEqual([]);
  });
});

describe('the image', () => {
  test('copies files that there are, and that .dockerignore lets through', () => {
    const letIn = readFileSync(join(root, '.dockerignore'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    expect(sources.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect([...sources].sort()).toEqual(letIn.sort());
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
