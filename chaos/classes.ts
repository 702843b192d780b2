import { apiServerFaults } from './api-server-faults.ts';
import type { FaultClass } from './fault-class.ts';
import { leaders } from './leaders.ts';
import { operatorKilled } from './operator-killed.ts';
import { worldFaultsClass } from './world-faults.ts';

/** Every class, in the order of the table. */
export const faultClasses: readonly FaultClass[] = [operatorKilled, apiServerFaults, leaders, worldFaultsClass];
