import type { FaultClass } from './fault-class.ts';

/** Every class, in the order of the table. */
export const faultClasses: readonly FaultClass[] = [];
