import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubectl } from '../../tools/kubectl.ts';
import { type Call, isWrite } from './api-call.ts';
import type { Answer } from './api-proxy.ts';
import type { Stage } from './stage.ts';

/** Something that an API server or the way to it does. It begins when it is called, and is over when it resolves. */
export interface ApiFault {
  name: string;
  happen(stage: Stage): Promise<void>;
}

/** How long most of them last; milliseconds. */
const LASTS_MS = 4_000;

const status = (code: number, reason: string, message: string, more: object = {}): Answer => ({
  status: code,
  headers: { 'content-type': 'application/json', ...(code === 429 && { 'retry-after': '1' }) },
  body: JSON.stringify({ apiVersion: 'v1', kind: 'Status', status: 'Failure', code, reason, message, ...more }),
});

const EXPIRED = status(410, 'Expired', 'too old resource version');

/** One of `every` calls, as they come. */
function oneIn(every: number, which: (call: Call) => boolean = () => true): (call: Call) => boolean {
  let count = 0;
  return (call) => which(call) && ++count % every === 0;
}

/** For a while some calls are answered so, and do nothing. */
const answering = (name: string, chosen: () => (call: Call) => boolean, answer: Answer): ApiFault => ({
  name,
  async happen({ proxy }) {
    const isChosen = chosen();
    const end = proxy.interfere({ before: (call) => (isChosen(call) ? answer : undefined) });
    await sleep(LASTS_MS);
    end();
  },
});

/** For a while some calls take effect, and their answers are lost. */
const losing = (name: string, fate: 'cut' | 'silence', chosen: () => (call: Call) => boolean): ApiFault => ({
  name,
  async happen({ proxy }) {
    const isChosen = chosen();
    const end = proxy.interfere({ after: (call) => (isChosen(call) ? fate : undefined) });
    await sleep(LASTS_MS);
    end();
  },
});

/** Those with which `make test` begins stand first. */
export const apiFaults: ApiFault[] = [
  {
    name: 'every watch is cut again and again',
    async happen({ proxy }) {
      for (let i = 0; i < LASTS_MS / 200; i++) {
        proxy.cutWatches();
        await sleep(200);
      }
    },
  },
  answering('one in two writes meets a conflict', () => oneIn(2, isWrite), status(409, 'Conflict', 'the object has been modified')),
  losing('one in two writes takes effect and its connection breaks', 'cut', () => oneIn(2, isWrite)),
  answering('one in three calls is answered 500', () => oneIn(3), status(500, 'InternalError', 'etcdserver: request timed out')),
  {
    name: 'watches are silent for a while, then cut',
    async happen({ proxy }) {
      proxy.silenceWatches();
      await sleep(2 * LASTS_MS);
      proxy.cutWatches();
    },
  },
  {
    name: 'watches end with 410, and can not be resumed',
    async happen({ proxy }) {
      const end = proxy.interfere({
        before: ({ verb, path }) => (verb === 'watch' && /[?&]resourceVersion=[1-9]/.test(path) ? EXPIRED : undefined),
      });
      proxy.endWatches({ type: 'ERROR', object: JSON.parse(EXPIRED.body) });
      await sleep(LASTS_MS);
      end();
    },
  },
  answering('one in three calls is answered 429 with Retry-After', () => oneIn(3), status(429, 'TooManyRequests', 'too many requests')),
  answering(
    'one in three calls is answered 503',
    () => oneIn(3),
    status(503, 'ServiceUnavailable', 'apiserver is shutting down', { details: { retryAfterSeconds: 1 } }),
  ),
  losing('one in four writes takes effect and is never answered', 'silence', () => oneIn(4, isWrite)),
  {
    name: 'gets and lists are answered as they were',
    async happen({ proxy }) {
      const before = new Map<string, Answer>();
      const isRead = ({ verb }: Call) => verb === 'get' || verb === 'list';
      const end = proxy.interfere({
        before: (call) => (isRead(call) ? before.get(call.path) : undefined),
        after(call, answer) {
          if (isRead(call) && answer.status === 200) before.set(call.path, answer);
          return undefined;
        },
      });
      await sleep(2 * LASTS_MS);
      end();
    },
  },
  {
    name: 'the API server is killed and started again',
    async happen({ controlPlane }) {
      await controlPlane.stopApiServer('SIGKILL');
      await controlPlane.startApiServer();
    },
  },
  {
    name: 'the API server ends in order and is started again',
    async happen({ controlPlane }) {
      await controlPlane.stopApiServer('SIGTERM');
      await controlPlane.startApiServer();
    },
  },
  {
    name: 'etcd is killed and started again',
    async happen({ controlPlane }) {
      await controlPlane.stopEtcd('SIGKILL');
      await sleep(1_000);
      await controlPlane.startEtcd();
    },
  },
  {
    name: "the operator's token expires, and another is put in its place later",
    async happen({ controlPlane, proxy, tokenFile }) {
      const issued = await kubectl(controlPlane.kubeconfigPath, ['create', 'token', 'admin', '--namespace=default', '--duration=24h']);
      const token = issued.trim();
      const end = proxy.interfere({
        before: ({ authorization }) => (authorization === `Bearer ${token}` ? undefined : status(401, 'Unauthorized', 'Unauthorized')),
      });
      proxy.cutWatches();
      await sleep(LASTS_MS / 2);
      await writeFile(tokenFile, token);
      await sleep(LASTS_MS / 2);
      end();
    },
  },
];
