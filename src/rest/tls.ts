import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Log } from '../controller/runtime/log.ts';

/** A certificate with those that lead to its authority, and its key; PEM. */
export interface TlsPair {
  cert: string;
  key: string;
}

/** @throws Error saying what to do when `tls.crt` or `tls.key` of the folder is not there, is no PEM, or they don't belong together */
export async function readTlsPair(dir: string): Promise<TlsPair> {
  try {
    const [cert, key] = await Promise.all(['tls.crt', 'tls.key'].map((file) => readFile(join(dir, file), 'utf8')));
    const pair = { cert: cert!, key: key! };
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    throw new Error(
      `TLS: ${dir} must have tls.crt and tls.key that belong together (a Secret of type kubernetes.io/tls): ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

/**
 * Has a server use a pair as soon as the folder has another one; connections that are open keep theirs. The kubelet swaps a mounted Secret by a
 * symbolic link, of which not every file system tells: the files are read every `everyMs`.
 */
export function followTlsPair(
  dir: string,
  current: TlsPair,
  server: { setSecureContext(pair: TlsPair): void },
  { log, signal, everyMs = 10_000 }: { log: Log; signal: AbortSignal; everyMs?: number },
): void {
  let used = current;
  const look = async () => {
    try {
      const pair = await readTlsPair(dir);
      if (pair.cert === used.cert && pair.key === used.key) return;
      server.setSecureContext(pair);
      used = pair;
      log.info({ dir }, 'serving with another certificate');
    } catch (err) {
      log.error({ err }, 'the certificate can’t be read: going on with the one from before');
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
