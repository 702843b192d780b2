import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { findBinaries } from '../../tools/binaries.ts';
import { writeLocalExamples } from '../../tools/examples.ts';
import { usePackage } from '../support/kubectl-lb.ts';
import { useOpenstackClients } from '../support/openstack.ts';
import { useRest } from './rest/setting.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const guides = ['resizing.md', 'gitops.md', 'admin.md', 'troubleshooting.md', 'kubectl-lb.md', 'notifications.md'];

interface Block {
  line: number;
  script: string;
  /** ```sh fails WORDS: it must, and say so. */
  fails: string | undefined;
}

/** The blocks of a page between fences: what stands behind the first fence, and what they hold. */
const fencesOf = (text: string) =>
  [...text.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map(({ 1: info, 2: body, index }) => ({
    ...{ info: info!, body: body!, line: text.slice(0, index).split('\n').length },
  }));

/** The commands of a guide: its blocks of ```sh and ```sh fails WORDS. */
const blocksOf = (text: string): Block[] =>
  fencesOf(text)
    .filter(({ info }) => /^sh\b/.test(info))
    .map(({ info, body, line }) => ({ line, script: body, fails: /^sh fails (.+)$/.exec(info)?.[1] }));

/** What a heading is called in a link to it, as GitHub and GitLab have it. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of text.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#+ (.+)$/gm)) {
    const plain = heading!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-');
    let name = anchor;
    for (let count = 1; anchors.has(name); count++) name = `${anchor}-${count}`;
    anchors.add(name);
  }
  return anchors;
}

const clients = useOpenstackClients();
const plugin = usePackage();
const { world, ...rest } = useRest();
let folder: string;
let env: Record<string, string>;
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeAll(async () => {
  // A flavor without an image can't boot here either.
  world.faults.inject({ kind: 'buildFails', reason: 'ImageNotFound', message: 'there is no image no-such-image' }, { flavorId: 'broken' });
  folder = await mkdtemp(join(tmpdir(), 'reflavor-guides-'));
  const { kubectl } = findBinaries();
  env = {
    ...clients.env,
    PATH: [join(kubectl, '..'), plugin.dir, clients.env.PATH].join(':'),
    KUBECONFIG: join(folder, 'kubeconfig'),
    ...{ OS_AUTH_TYPE: 'admin_token', OS_ENDPOINT: rest.api().url, OS_TOKEN: rest.token('root') },
  };
  // What make up has in the checkout: the folders of it, and its own edition of the examples.
  for (const name of ['charts', 'clients', 'deploy', 'examples']) await symlink(join(root, name), join(folder, name));
  await writeLocalExamples(join(folder, '.reflavor/examples'));
  // What make package leaves there.
  await mkdir(join(folder, 'dist'));
  await symlink(plugin.dir, join(folder, 'dist/package'));
  await copyFile(rest.controlPlane.kubeconfigPath, env.KUBECONFIG!);
  // The namespace of that token.
  await run(kubectl, ['config', 'set-context', '--current', '--namespace=team-a'], { env });
}, 60_000);
/** There before a guide makes it, so that its resizes have the pace of a test: what a guide applies leaves that alone. */
beforeEach(async () => {
  const strategy = { settleSeconds: 0, verifySeconds: 3, drainSeconds: 0 };
  const web = {
    apiVersion: 'reflavor.dev/v1alpha1',
    kind: 'LoadBalancer',
    metadata: { name: 'web', namespace: 'team-a' },
    spec: { flavorId: 'small', strategy },
  };
  await rest.controlPlane.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], { input: JSON.stringify(web) });
});

test.each(guides)(
  'the commands of docs/%s do what it says, in its order',
  async (guide) => {
    const blocks = blocksOf(await readFile(join(root, 'docs', guide), 'utf8'));
    expect(blocks.length).toBeGreaterThan(0);
    for (const { line, script, fails } of blocks) {
      const said = await run('bash', ['--norc', '-euo', 'pipefail', '-c', script], { cwd: folder, env }).then(
        ({ stdout }) => ({ failed: false, text: stdout }),
        ({ stdout, stderr }) => ({ failed: true, text: `${stdout}${stderr}` }),
      );
      const wrong = said.failed !== (fails !== undefined) ? (fails ? 'did not fail' : 'failed') : undefined;
      const what = wrong ?? (fails && !said.text.includes(fails) ? `did not say “${fails}”` : undefined);
      if (what) throw new Error(`docs/${guide}, line ${line}, ${what}:\n${script}\n${said.text}`);
    }
  },
  300_000,
);

test('every guide has its commands tried, and links to files and headings that are there', async () => {
  const pages = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'));
  for (const page of pages) {
    const text = await readFile(join(root, 'docs', page), 'utf8');
    if (blocksOf(text).length > 0) expect(guides).toContain(page);
    for (const { info, body, line } of fencesOf(text)) {
      if (info === '' && /^(kubectl|helm|openstack|npm|install)\b/.test(body))
        throw new Error(`docs/${page}, line ${line}: a block of commands that is not marked as one (\`\`\`sh) is never tried`);
    }
    for (const [link, target, anchor] of text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const linked = await readFile(join(root, 'docs', target || page), 'utf8').catch((error: NodeJS.ErrnoException) => {
        // A folder will do.
        if (error.code !== 'EISDIR') throw new Error(`docs/${page} links to ${target}, which is not there`);
        return '';
      });
      if (anchor !== undefined && !anchorsOf(linked).has(anchor))
        throw new Error(`docs/${page}: ${link} links to a heading that is not there`);
    }
  }
});
