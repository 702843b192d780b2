import { hostname } from 'node:os';
import { type Command, CommanderError, Option } from 'commander';
import * as z from 'zod';
import type { BindAddress } from './controller/runtime/server.ts';

/** One setting: how it is written, what it means, what it may be, and what to say when it is something else. */
export interface Setting<S extends z.ZodType = z.ZodType> {
  placeholder: string;
  help: string;
  schema: S;
  /** What a good value is, for people: the end of "… must be". */
  mustBe: string;
  fallback?: string;
  /** A value may hold a secret: no message repeats it. Default false. */
  secret?: true;
}
export const setting = <S extends z.ZodType>(of: Setting<S>): Setting<S> => of;

/** Settings by their name in the code; the flag is this in kebab-case, the variable in capitals after `REFLAVOR_`. */
export type Settings = Readonly<Record<string, Setting>>;

/** What a process was given, checked. Parsed once, at the start, and passed in to whoever needs one. */
export type ConfigOf<S extends Settings> = { readonly [K in keyof S]: z.output<S[K]['schema']> } & {
  /** Who this process is in elections, events and logs: the host and a random part, new in every process. */
  readonly identity: string;
};

/** Why there is no configuration: text for the terminal and the exit code, 0 when only help was asked for. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly exitCode: number;

  constructor(message: string, exitCode = 2) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Gives a command the flags of these settings, and what to do with them.
 *
 * @param read the settings as they were checked, see {@link readSettings}
 */
export function addSettings<C>(
  command: Command,
  settings: Settings,
  read: (flags: Record<string, string | undefined>) => C,
  run: (config: C) => Promise<void>,
): Command {
  for (const [name, { placeholder, help, fallback }] of Object.entries(settings)) {
    const about = fallback ? `${help} (default: ${fallback})` : help;
    // A switch may stand alone: --leader-elect is --leader-elect=true.
    const value = placeholder === 'true|false' ? `[${placeholder}]` : `<${placeholder}>`;
    command.addOption(new Option(`${flagOf(name)} ${value}`, `${about}; ${variableOf(name)}`).preset('true'));
  }
  return command.action((flags: Record<string, string>) => run(read(flags)));
}

/**
 * Checks the settings: a flag goes before its variable, a variable before the default.
 *
 * @param flags by the setting's name, as commander gives them
 * @param contradictions what values that are good each by itself can't be together, a line each
 * @throws ConfigError with a line for each bad value
 */
export function readSettings<S extends Settings>(
  settings: S,
  flags: Record<string, string | undefined>,
  env: NodeJS.ProcessEnv,
  contradictions: (config: ConfigOf<S>) => string[] = () => [],
): ConfigOf<S> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, { schema, mustBe, fallback, secret }] of Object.entries(settings)) {
    // An empty variable is how a shell or a manifest leaves one out.
    const given = flags[name] ?? (env[variableOf(name)] || undefined) ?? fallback;
    const parsed = schema.safeParse(given);
    if (parsed.success) values[name] = parsed.data;
    else
      problems.push(
        `${flagOf(name)} ${secret ? 'is not shown here' : `is "${given}"`}, but must be ${mustBe}: correct the flag or the variable ${variableOf(name)}`,
      );
  }
  const config = { ...values, identity: `${hostname()}_${crypto.randomUUID()}` } as ConfigOf<S>;
  if (problems.length === 0) problems.push(...contradictions(config));
  if (problems.length > 0) throw new ConfigError(problems.join('\n'));
  return config;
}

/** Runs a command line; what commander finds wrong becomes a ConfigError like any other. */
export async function parse(program: Command, args: readonly string[]): Promise<void> {
  for (const command of [program, ...program.commands]) command.exitOverride();
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    // Commander has already written its message, or the help that was asked for.
    if (error instanceof CommanderError) throw new ConfigError('', error.exitCode === 0 ? 0 : 2);
    throw error;
  }
}

/** Text that is there. */
export const text = z.string().min(1);

export const wholeNumber = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** Values separated by commas, with blanks and commas to spare; each may be checked further. */
export const commaList = <S extends z.ZodType<string, string>>(each: S) =>
  z
    .string()
    .transform((list) => list.split(',').map((value) => value.trim()))
    .transform((list) => list.filter(Boolean))
    .pipe(z.array(each));

/** `host:port`; `0` is nowhere. */
export const bindAddress = z.string().transform(parseBindAddress);

function parseBindAddress(value: string, context: z.RefinementCtx): BindAddress | undefined {
  if (value === '0') return undefined;
  const match = /^(\[[0-9a-fA-F:]+\]|[^:]*):(\d{1,5})$/.exec(value);
  const port = Number(match?.[2]);
  if (match && port <= 65_535) return { host: match[1]!.replace(/^\[|\]$/g, ''), port };
  context.addIssue({ code: 'custom', message: 'not host:port' });
  return z.NEVER;
}

/** `--watch-namespaces` */
function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`;
}

/** `REFLAVOR_WATCH_NAMESPACES` */
function variableOf(name: string): string {
  return `REFLAVOR_${name.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase()}`;
}
