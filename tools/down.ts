/** `make down`: ends what `make up` started. */
import { join } from 'node:path';
import { stopStack } from './stack.ts';

const ended = await stopStack(join(import.meta.dirname, '../.reflavor'));
console.log(ended > 0 ? 'down: everything that make up started has ended' : 'down: nothing ran');
