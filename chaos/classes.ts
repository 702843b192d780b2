import { apiServerFaults } from './api-server-faults.ts';
import { operatorCrashes } from './crashes/index.ts';
import type { FaultClass } from './fault-class.ts';
import { leaders } from './leaders.ts';
import { operatorKilled } from './operator-killed.ts';
import { secretsInWhatIsTold } from './security/canaries.ts';
import { hostileConfigurations } from './security/configurations.ts';
import { requestsToRest } from './security/requests.ts';
import { rightsThatNobodyHas } from './security/rights.ts';
import { hostileSyntaxes } from './security/syntaxes.ts';
import { randomWalks } from './walks/index.ts';
import { worldFaultsClass } from './world-faults.ts';

/** Every class, in the order of the table. */
export const faultClasses: readonly FaultClass[] = [
  operatorKilled,
  operatorCrashes,
  apiServerFaults,
  leaders,
  worldFaultsClass,
  randomWalks,
  hostileConfigurations,
  hostileSyntaxes,
  rightsThatNobodyHas,
  secretsInWhatIsTold,
  requestsToRest,
];
