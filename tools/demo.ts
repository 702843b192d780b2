/** `make demo`: a load balancer resized live under traffic, on a real API server and real HAProxies, told step by step. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Story } from './demo/story.ts';
import { summary, tell } from './demo/tell.ts';
import { startStack } from './stack.ts';
import { startMembers } from './traffic/members.ts';
import { startTraffic } from './traffic/traffic.ts';

const dir = await mkdtemp(join(tmpdir(), 'reflavor-demo-'));
const image = join(dir, 'amphorae/images/no-such-image');
const story = new Story();
let failed = true;

story.say('Starting etcd, kube-apiserver and the operator with the driver `process` (HAProxy processes on this machine)');
const stack = await startStack({
  dir,
  operatorFlags: ['--progress-ms=100', '--observe-seconds=1'],
  log: (line) => story.detail(line),
});
const { members, close } = await startMembers({ count: 3 });
try {
  const outcome = await tell(story, {
    kubeconfigPath: stack.kubeconfigPath,
    namespace: 'default',
    kubectl: (...args) => stack.kubectl(...args),
    members: { members: members.map(({ address, port: protocolPort }) => ({ address, protocolPort })) },
    startTraffic: async (options) => startTraffic(options),
    async mendImage() {
      await mkdir(image, { recursive: true });
      await symlink(execFileSync('sh', ['-c', 'command -v haproxy'], { encoding: 'utf8' }).trim(), join(image, 'haproxy'));
    },
  });
  failed = outcome.failed > 0;
  process.exitCode = failed ? 1 : 0;
  await end();
  console.log(summary(outcome));
} catch (error) {
  console.error(`demo: ${(error as Error).message}\ndemo: logs are in ${dir}`);
  process.exitCode = 1;
  await end();
}
process.exit();

async function end(): Promise<void> {
  story.end();
  await stack.stop();
  await close();
  if (!failed) await rm(dir, { recursive: true, force: true });
}
