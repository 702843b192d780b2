import { CommanderError } from 'commander';
import { askCluster, completions } from './completion.ts';
import { EXIT_CODES, exitCodeOf, Interrupted } from './exit-codes.ts';
import { explained } from './explained.ts';
import { processIo } from './io.ts';
import { createProgram } from './program.ts';

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // Asked twice: whoever asks does not want to wait.
    if (stop.signal.aborted) process.exit(EXIT_CODES.interrupted.code);
    stop.abort(new Interrupted('interrupted'));
  });
}

async function main(args: string[]): Promise<void> {
  const io = processIo(stop.signal);
  const program = createProgram(io, (code) => {
    process.exitCode = code;
  });
  if (args[0] === '__complete') {
    io.print(...(await completions(program, args.slice(1), askCluster(io))));
    return;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      const wasHelp = error.exitCode === 0 || error.code === 'commander.help';
      process.exitCode = (wasHelp ? EXIT_CODES.done : EXIT_CODES.usage).code;
      return;
    }
    process.exitCode = exitCodeOf(error);
    for (const line of explained(error, args)) io.complain(line);
  }
}

// A CommonJS file, as the bundle is, has no top-level await.
main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`kubectl lb: ${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = EXIT_CODES.error.code;
});
