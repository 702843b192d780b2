/**
 * Builds the npm package into `dist/package`, ready for `npm pack` or `npm publish`.
 *
 * `--out DIR` writes another folder.
 */
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPackage } from './build.ts';

const { values } = parseArgs({ options: { out: { type: 'string', default: join(import.meta.dirname, '../../dist/package') } } });
await buildPackage(values.out);
console.log(`package: ${relative(process.cwd(), values.out)}`);
