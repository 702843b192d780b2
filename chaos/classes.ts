import { operatorCrashes } from './crashes/index.ts';
import type { FaultClass } from './fault-class.ts';
import { randomWalks } from './walks/index.ts';

/** Every class, in the order of the table. */
export const faultClasses: readonly FaultClass[] = [randomWalks, operatorCrashes];
