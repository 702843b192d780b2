import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Calls `body` while no other process of this machine holds the lock of this file. The kernel gives it back whatever ends the holder.
 * @throws what `body` throws
 */
export async function withLock<T>(file: string, body: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    holder.once('error', reject);
    holder.once('exit', (code) => reject(new Error(`the lock ${file} can't be had: flock ended with ${code}`)));
    holder.stdout.once('data', () => resolve());
  });
  try {
    return await body();
  } finally {
    holder.stdin.end();
  }
}
