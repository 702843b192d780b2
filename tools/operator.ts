/** The operator as a process of its own, from source. */
import type { ProcessIdentity } from './processes.ts';
import { type ReflavorOptions, spawnReflavor, startReflavor } from './reflavor.ts';

export interface OperatorOptions extends ReflavorOptions {
  /** Holds what the driver keeps of its amphorae. */
  stateDir: string;
}

/** Starts `reflavor operator` with the driver `process`. @throws as {@link startReflavor} does */
export const startOperator = ({ stateDir, ...options }: OperatorOptions): Promise<ProcessIdentity> =>
  startReflavor('operator', 'operator', flagsOf(stateDir), options);

/** The same without waiting for it, and with nowhere to ask it how it is: for one that may be killed at any moment. */
export const spawnOperator = ({ stateDir, ...options }: OperatorOptions): Promise<ProcessIdentity> =>
  spawnReflavor('operator', 'operator', [...flagsOf(stateDir), '--health-bind-address=0', '--metrics-bind-address=0'], options);

const flagsOf = (stateDir: string) => ['--driver=process', `--state-dir=${stateDir}`];
