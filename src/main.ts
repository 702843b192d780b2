import { Command } from 'commander';
import type { Logger } from 'pino';
import { addApiCommand, addOperatorCommand, ConfigError, parse } from './config.ts';
import { setup } from './controller/index.ts';
import { createLogger, type LogLevel } from './log.ts';
import { runOperator } from './operator.ts';

const program = new Command('reflavor').description('Runs load balancers on Kubernetes and resizes them live.');

/** Runs one of the commands until it ends by itself or is asked to, and ends the process with its exit code. */
async function run(
  config: { logLevel: LogLevel },
  about: Record<string, unknown>,
  work: (log: Logger, stop: AbortSignal) => Promise<number>,
): Promise<void> {
  const log = createLogger(config.logLevel);
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      // Asked twice: whoever asks does not want to wait. What serves is not ours to end, and goes on.
      if (stop.signal.aborted) process.exit(1);
      log.info({ signal: name }, 'stopping; once more to end at once');
      stop.abort();
    });
  }
  process.on('uncaughtException', (err) => {
    log.fatal({ err }, 'ended by an error that nobody handled');
    process.exit(1);
  });
  log.info({ ...about, pid: process.pid }, 'starting');
  const code = await work(log, stop.signal);
  log.info({ code }, 'ended');
  // A visit that was left behind must not keep the process.
  process.exit(code);
}

addOperatorCommand(program, process.env, (config) =>
  run(config, { driver: config.driver, identity: config.identity }, (log, stop) => runOperator(config, setup, log, stop)),
);
addApiCommand(program, process.env, (config) =>
  run(config, { identity: config.identity }, async (log, stop) => {
    // The server's packages are of no use to an operator.
    const { runApi } = await import('./apiserver.ts');
    await runApi(config, log, stop);
    return 0;
  }),
);

try {
  await parse(program, process.argv.slice(2));
} catch (error) {
  if (error instanceof ConfigError && !error.message) process.exit(error.exitCode);
  process.stderr.write(`reflavor: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof ConfigError ? error.exitCode : 1);
}
