/** Milliseconds. Nothing is taken away in the last moments of a lease: another process may be about to act. */
export const MARGIN_MS = 1000;
