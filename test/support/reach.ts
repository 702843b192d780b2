import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Pod } from '../../src/provider/amphora/kubernetes/objects.ts';
import { processesOf } from './amphora-pod.ts';

const exec = promisify(execFile);
const connects = join(import.meta.dirname, '../../tools/traffic/connects.ts');
const program = `const { connects } = await import(${JSON.stringify(connects)});
console.log(await connects(process.argv[1], Number(process.argv[2])));`;

/** Whether a TCP connection from the network of that pod is taken there, within a second. For a cluster that runs on this machine. */
export async function reaches(from: Pod, address: string, port: number): Promise<boolean> {
  const [pid] = processesOf(from, 'pause');
  if (pid === undefined) throw new Error(`pod ${from.metadata.name} does not run on this machine`);
  return reachesFrom(`/proc/${pid}/ns/net`, address, port);
}

/** The same from any network of this machine; `netns`: a file for `nsenter --net=`. */
export async function reachesFrom(netns: string, address: string, port: number): Promise<boolean> {
  const node = [process.execPath, '--no-warnings', '--input-type=module', '--eval', program, address, String(port)];
  const { stdout } = await exec('nsenter', [`--net=${netns}`, '--', ...node]);
  return stdout.trim() === 'true';
}
