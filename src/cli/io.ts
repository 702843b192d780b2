import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];
/** Styles a text, or gives it back as it is where colours are not wanted. */
export type Paint = (style: Style, text: string) => string;

/** What a command has to do with the world beside the cluster. */
export interface Io {
  env: NodeJS.ProcessEnv;
  /** Whether a person looks at the output. */
  isTerminal: boolean;
  /** Characters in a line of the terminal. */
  columns: number;
  paint: Paint;
  /** Aborts with {@link Interrupted}. */
  signal: AbortSignal;
  /** A line, or several, to standard output. */
  print(...lines: string[]): void;
  /** To standard output, as it is. */
  write(text: string): void;
  /** A line to standard error. */
  complain(line: string): void;
}

export const plain: Paint = (_, text) => text;

/** Colours: on a terminal, unless `NO_COLOR` is set to anything (no-color.org) or the terminal has none; `FORCE_COLOR` has them in a pipe. */
export function painter(env: NodeJS.ProcessEnv, isTerminal: boolean): Paint {
  const wanted = env.NO_COLOR ? false : env.FORCE_COLOR ? env.FORCE_COLOR !== '0' : isTerminal && env.TERM !== 'dumb';
  return wanted ? (style, text) => styleText(style, text, { validateStream: false }) : plain;
}

/** That of this process. */
export function processIo(signal: AbortSignal): Io {
  const { stdout, stderr, env } = process;
  // `kubectl lb list | head -1`: whoever read has enough.
  stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  // One that tells no width can't be drawn on.
  const isTerminal = stdout.isTTY === true && stdout.columns > 0;
  return {
    env,
    isTerminal,
    get columns() {
      return stdout.columns ?? 80;
    },
    paint: painter(env, isTerminal),
    signal,
    print: (...lines) => void (lines.length > 0 && stdout.write(`${lines.join('\n')}\n`)),
    write: (text) => void stdout.write(text),
    complain: (line) => void stderr.write(`${line}\n`),
  };
}
