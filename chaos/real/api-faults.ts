import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubectl } from '../../tools/kubectl.ts';
import { type Call, isWrite } from './api-call.ts';
import type { Answer } from './api-proxy.ts';
import type { Hits } from './hits.ts';
import type { Stage } from './stage.ts';

/** Something that an API server or the way to it does. It begins when it is called, and is over when it resolves. */
export interface ApiFault {
  name: string;
  /** @param meets told of all that the fault met, in the namespaces that it is for */
  happen(stage: Stage, meets: Hits, namespaces: readonly string[]): Promise<void>;
}

/** How long most of them last; milliseconds. */
const LASTS_MS = 4_000;
/** And how long at most, where nothing has come in their way by then. */
const MOST_MS = 30_000;

/** A time that ends once everybody has felt the fault. Who hasn't in the longest time never will. */
async function lasting(ms: number, meets: Hits, namespaces: readonly string[]): Promise<void> {
  await sleep(ms);
  const deadline = performance.now() + MOST_MS - ms;
  while (namespaces.some((namespace) => meets.feltIn(namespace) === 0) && performance.now() < deadline) await sleep(100);
}

const status = (code: number, reason: string, message: string, more: object = {}): Answer => ({
  status: code,
  headers: { 'content-type': 'application/json', ...(code === 429 && { 'retry-after': '1' }) },
  body: JSON.stringify({ apiVersion: 'v1', kind: 'Status', status: 'Failure', code, reason, message, ...more }),
});

const EXPIRED = status(410, 'Expired', 'too old resource version');

/** One of `every` calls, as they come: in each namespace the first, so that none goes without. */
export function oneIn(every: number, which: (call: Call) => boolean = () => true): (call: Call) => boolean {
  const counts = new Map<string, number>();
  return (call) => {
    if (!which(call)) return false;
    const count = counts.get(call.namespace) ?? 0;
    counts.set(call.namespace, count + 1);
    return count % every === 0;
  };
}

/** For a while some calls are answered so, and do nothing. */
const answering = (name: string, chosen: () => (call: Call) => boolean, answer: Answer): ApiFault => ({
  name,
  async happen({ proxy }, meets, namespaces) {
    const isChosen = chosen();
    const end = proxy.interfere({
      before(call) {
        if (!isChosen(call)) return undefined;
        meets.add(call);
        return answer;
      },
    });
    await lasting(LASTS_MS, meets, namespaces);
    end();
  },
});

/** For a while some calls take effect, and their answers are lost. */
const losing = (name: string, fate: 'cut' | 'silence', chosen: () => (call: Call) => boolean): ApiFault => ({
  name,
  async happen({ proxy }, meets, namespaces) {
    const isChosen = chosen();
    const end = proxy.interfere({
      after(call, { status: code }) {
        // One that is refused has no effect.
        if (code >= 300 || !isChosen(call)) return undefined;
        meets.add(call);
        return fate;
      },
    });
    await lasting(LASTS_MS, meets, namespaces);
    end();
  },
});

/** While something is away, all calls are in vain. */
async function countingCalls({ proxy }: Stage, meets: Hits, isAway: () => Promise<void>): Promise<void> {
  const end = proxy.interfere({
    before(call) {
      meets.add(call);
      return undefined;
    },
  });
  try {
    await isAway();
  } finally {
    end();
  }
}

/** Those with which `make test` begins stand first. */
export const apiFaults: ApiFault[] = [
  {
    name: 'every watch is cut again and again',
    async happen({ proxy }, meets) {
      for (let i = 0; i < LASTS_MS / 200; i++) {
        meets.add(undefined, proxy.cutWatches());
        await sleep(200);
      }
    },
  },
  answering('one in two writes meets a conflict', () => oneIn(2, isWrite), status(409, 'Conflict', 'the object has been modified')),
  losing('one in two writes takes effect and its connection breaks', 'cut', () => oneIn(2, isWrite)),
  answering('one in three calls is answered 500', () => oneIn(3), status(500, 'InternalError', 'etcdserver: request timed out')),
  {
    name: 'watches are silent for a while, then cut',
    async happen({ proxy }, meets) {
      meets.add(undefined, proxy.silenceWatches());
      await sleep(2 * LASTS_MS);
      proxy.cutWatches();
    },
  },
  {
    name: 'watches end with 410, and can not be resumed',
    async happen({ proxy }, meets) {
      const end = proxy.interfere({
        before: ({ verb, path }) => (verb === 'watch' && /[?&]resourceVersion=[1-9]/.test(path) ? EXPIRED : undefined),
      });
      meets.add(undefined, proxy.endWatches({ type: 'ERROR', object: JSON.parse(EXPIRED.body) }));
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
    async happen({ proxy }, meets, namespaces) {
      const before = new Map<string, Answer>();
      const end = proxy.interfere({
        after(call, answer) {
          if ((call.verb !== 'get' && call.verb !== 'list') || answer.status !== 200) return undefined;
          const old = before.get(call.path);
          if (!old) before.set(call.path, answer);
          else if (old.body !== answer.body) meets.add(call);
          return old;
        },
      });
      await lasting(2 * LASTS_MS, meets, namespaces);
      end();
    },
  },
  {
    name: 'the API server is killed and started again',
    async happen(stage, meets) {
      await stage.controlPlane.stopApiServer('SIGKILL');
      await countingCalls(stage, meets, () => stage.controlPlane.startApiServer());
    },
  },
  {
    name: 'the API server ends in order and is started again',
    async happen(stage, meets) {
      await stage.controlPlane.stopApiServer('SIGTERM');
      await countingCalls(stage, meets, () => stage.controlPlane.startApiServer());
    },
  },
  {
    name: 'etcd is killed and started again',
    async happen(stage, meets, namespaces) {
      await stage.controlPlane.stopEtcd('SIGKILL');
      await countingCalls(stage, meets, () => lasting(1_000, meets, namespaces));
      await stage.controlPlane.startEtcd();
    },
  },
  {
    name: "the operator's token expires, and another is put in its place later",
    async happen({ controlPlane, proxy, tokenFile }, meets) {
      const issued = await kubectl(controlPlane.kubeconfigPath, ['create', 'token', 'admin', '--namespace=default', '--duration=24h']);
      const token = issued.trim();
      const end = proxy.interfere({
        before(call) {
          if (call.authorization === `Bearer ${token}`) return undefined;
          // Who has the wrong one has it for all namespaces.
          meets.add();
          return status(401, 'Unauthorized', 'Unauthorized');
        },
      });
      proxy.cutWatches();
      await sleep(LASTS_MS / 2);
      await writeFile(tokenFile, token);
      await sleep(LASTS_MS / 2);
      end();
    },
  },
];
