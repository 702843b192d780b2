import { connect } from 'node:net';

/** One command to the master's CLI, which may be passed on to a worker (`@1 show info`); gives its whole answer. */
export function askMaster(socketPath: string, line: string, signal?: AbortSignal, timeoutMs = 3000): Promise<string> {
  return new Promise((resolve, reject) => {
    const bounded = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
    const socket = connect(socketPath);
    const abort = () => socket.destroy(bounded.reason);
    bounded.addEventListener('abort', abort, { once: true });
    let answer = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.once('error', reject);
    socket.once('close', () => {
      bounded.removeEventListener('abort', abort);
      resolve(answer);
    });
    socket.end(`${line}\n`);
  });
}

/** A worker of a master; `old`: a reload left it behind, and it ends with its last connection. */
export interface Worker {
  pid: number;
  old: boolean;
}

/** What `show proc` says. */
export interface Processes {
  workers: Worker[];
  /** Of the last reloads, how many in a row have failed. */
  failedReloads: number;
}

/** Asks a master for its workers. */
export async function showProcesses(socketPath: string, signal?: AbortSignal): Promise<Processes> {
  const answer = await askMaster(socketPath, 'show proc', signal);
  const [current = '', old = ''] = answer.split('# old workers');
  const pids = (text: string) => [...text.matchAll(/^(\d+)\s+worker/gm)].map((match) => Number(match[1]));
  return {
    workers: [...pids(current).map((pid) => ({ pid, old: false })), ...pids(old).map((pid) => ({ pid, old: true }))],
    failedReloads: Number(/\[failed: (\d+)\]/.exec(answer)?.[1] ?? 0),
  };
}
