import type { FaultClass } from './fault-class.ts';
import { secretsInWhatIsTold } from './security/canaries.ts';
import { hostileConfigurations } from './security/configurations.ts';
import { requestsToRest } from './security/requests.ts';
import { rightsThatNobodyHas } from './security/rights.ts';
import { hostileSyntaxes } from './security/syntaxes.ts';

/** Every class, in the order of the table. */
export const faultClasses: readonly FaultClass[] = [
  hostileConfigurations,
  hostileSyntaxes,
  rightsThatNobodyHas,
  secretsInWhatIsTold,
  requestsToRest,
];
