import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** For benchmarks of networks (RFC 2544): no endpoint of anybody's. */
const range = '198.18.0.0/15';

/** The address of a member: `group` 0 to 511, `number` 1 to 254. */
export const memberAddress = (group: number, number: number): string => `198.${18 + Math.floor(group / 256)}.${group % 256}.${number}`;

/** Runs a program of this folder in a network namespace of its own, in which all member addresses are its own; gives what it says at the end. */
export async function inOwnNetwork(program: string, args: readonly string[], log: (line: string) => void): Promise<string> {
  const setUp = `ip link set lo up && ip route add local ${range} dev lo && exec "$@"`;
  const running = exec('unshare', ['--net', '--', 'sh', '-c', setUp, 'sh', process.execPath, program, ...args], {
    maxBuffer: 64 * 2 ** 20,
  });
  running.child.stderr?.setEncoding('utf8').on('data', (text: string) => text.trimEnd().split('\n').forEach(log));
  return (await running).stdout;
}
