import type { Setup } from './runtime/setup.ts';

/** The operator's controllers and what they watch. */
export const setup: Setup = () => ({ reflectors: [], controllers: [] });
