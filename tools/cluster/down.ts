/** `make cluster-down`: ends what `make cluster` started. */
import { rm } from 'node:fs/promises';
import { stopCluster } from './cluster.ts';
import { standingDir as dir } from './standing.ts';

const ended = await stopCluster(dir);
await rm(dir, { recursive: true, force: true });
console.log(ended ? 'cluster-down: everything that make cluster started has ended' : 'cluster-down: nothing ran');
