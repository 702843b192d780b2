/** The operator as a process of its own, from source. */
import type { ProcessIdentity } from './processes.ts';
import { type ReflavorOptions, startReflavor } from './reflavor.ts';

export interface OperatorOptions extends ReflavorOptions {
  /** Holds what the driver keeps of its amphorae. */
  stateDir: string;
}

/** Starts `reflavor operator` with the driver `process`. @throws as {@link startReflavor} does */
export const startOperator = ({ stateDir, ...options }: OperatorOptions): Promise<ProcessIdentity> =>
  startReflavor('operator', 'operator', ['--driver=process', `--state-dir=${stateDir}`], options);
