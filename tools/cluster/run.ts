import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/**
 * Runs a command to its end and returns what it wrote to stdout.
 * @throws with the command, and what it wrote to stderr, when it fails or can't be run
 */
export async function run(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<string> {
  try {
    return (await exec(command, args, { maxBuffer: 256 * 2 ** 20, ...options })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    const words = (stderr || stdout).trimEnd().split('\n').slice(-15).join('\n');
    throw new Error(`\`${command} ${args.join(' ')}\` failed: ${words || message}`);
  }
}
