import type { FaultClass } from './fault-class.ts';
import { operatorKilled } from './operator-killed.ts';

/** Every class, in the order of the table. */
export const faultClasses: readonly FaultClass[] = [operatorKilled];
