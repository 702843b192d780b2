/**
 * `make bench`: runs every benchmark, or those that are named as arguments, prints their tables and, when all ran, writes docs/performance.md.
 * `--quick`: the short form, which writes nothing; `--long`: with what `make bench` has no time for. A missed aim is part of the table and no error.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Result } from './benchmark.ts';
import { benchmarks } from './benchmarks.ts';
import { page, render, verdict } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, long: { type: 'boolean', default: false } },
});
const all = benchmarks({ isLong: values.long });
const unknown = positionals.find((name) => !all.some((benchmark) => benchmark.name === name));
if (unknown !== undefined) {
  console.error(`there is no benchmark "${unknown}"; there are: ${all.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const results: Result[] = [];
const beganAt = performance.now();
for (const { name, needsRoot, run } of all.filter((one) => positionals.length === 0 || positionals.includes(one.name))) {
  if (needsRoot && process.getuid?.() !== 0) {
    console.log(`${name}: SKIPPED, it needs root`);
    continue;
  }
  const startedAt = performance.now();
  const result = await run(values.quick ? 'quick' : 'full', (line) => console.log(`${name}: ${line}`));
  if (result.tables.length === 0) continue;
  results.push(result);
  console.log(`${name}: ${((performance.now() - startedAt) / 1000).toFixed(0)} s\n\n${result.tables.map(render).join('\n\n')}\n`);
}

const seconds = (performance.now() - beganAt) / 1000;
console.log(`all of it: ${seconds.toFixed(0)} s`);
if (!values.quick && results.length === all.length) {
  const docs = join(import.meta.dirname, '../docs');
  mkdirSync(join(docs, 'performance'), { recursive: true });
  for (const { file, svg } of results.flatMap(({ plots = [] }) => plots)) writeFileSync(join(docs, 'performance', file), svg);
  const machine = `${availableParallelism()} cores and ${Math.round(totalmem() / 2 ** 30)} GiB`;
  writeFileSync(
    join(docs, 'performance.md'),
    page(results, machine, { command: values.long ? 'make bench ARGS=--long' : 'make bench', seconds }),
  );
}
console.log(verdict(results));
