import type { FaultClass } from './fault-class.ts';
import { hostileConfigurations } from './security/configurations.ts';
import { hostileSyntaxes } from './security/syntaxes.ts';

/** Every class, in the order of the table. */
export const faultClasses: readonly FaultClass[] = [hostileConfigurations, hostileSyntaxes];
