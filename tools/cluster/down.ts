/** `make cluster-down`: ends what `make cluster` started. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stopCluster } from './cluster.ts';

const dir = join(import.meta.dirname, '../../.reflavor/cluster');
const ended = await stopCluster(dir);
await rm(dir, { recursive: true, force: true });
console.log(ended ? 'cluster-down: everything that make cluster started has ended' : 'cluster-down: nothing ran');
