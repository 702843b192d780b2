/**
 * The operator as `src/main.ts` runs it, over amphorae that are entries in its memory and take no time. `BENCH_WORLD`: the file that they are kept in
 * between two processes.
 */
import { Command } from 'commander';
import { addOperatorCommand, parse } from '../../src/config.ts';
import { setupWith } from '../../src/controller/index.ts';
import { createLogger } from '../../src/log.ts';
import { runOperator } from '../../src/operator.ts';
import { SimulatedDriver } from '../../src/provider/amphora/simulated/driver.ts';
import { KeptWorld } from './kept-world.ts';

const file = process.env.BENCH_WORLD;
if (!file) throw new Error('BENCH_WORLD names no file for the amphorae');

const program = new Command();
addOperatorCommand(program, process.env, async (config) => {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
  const world = new KeptWorld(file);
  const setup = setupWith(() => new SimulatedDriver(world));
  const code = await runOperator(config, setup, createLogger(config.logLevel), stop.signal);
  world.save();
  process.exit(code);
});
await parse(program, process.argv.slice(2));
