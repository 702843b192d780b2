import {
  isAlreadyExists,
  isConflict,
  isForbidden,
  isInvalid,
  isNamespaceTerminating,
  isNotFound,
  isTransient,
  KubeError,
} from '../kube/errors.ts';

/** Why a request is not answered with what it asked for, in the words of Octavia's `faultstring`: they name the remedy. */
export class Fault extends Error {
  override readonly name = 'Fault';
  /** HTTP status. */
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** Octavia's body of an error (WSME's, of which python-octaviaclient and openstacksdk show the faultstring). */
export const faultBody = ({ status, message }: Pick<Fault, 'status' | 'message'>) => ({
  faultcode: status < 500 ? 'Client' : 'Server',
  faultstring: message,
  debuginfo: null,
});

/** Octavia's words for something that is not there. `resource` as Octavia names it: LoadBalancer, Listener, Flavor. */
export const notFound = (resource: string, id: string): Fault => new Fault(404, `${resource} ${id} not found.`);

/** Octavia's words for a state that can't take what is asked, and what can be done. */
export const invalidState = (state: string, id: string, remedy: string): Fault =>
  new Fault(409, `Invalid state ${state} of loadbalancer resource ${id}: ${remedy}`);

/** Octavia's words for a value that can't be. */
export const invalid = (detail: string): Fault => new Fault(400, `Validation failure: ${detail}`);

/** What an error of the Kubernetes API means for whoever sent the request; undefined for what only we can be to blame for. */
export function faultOf(error: unknown): Fault | undefined {
  if (error instanceof Fault) return error;
  if (!(error instanceof KubeError)) return undefined;
  const options = { cause: error };
  if (isNamespaceTerminating(error)) return new Fault(409, 'The project is being deleted, so that nothing can be created in it.', options);
  if (isForbidden(error)) return refusal(error);
  if (isInvalid(error)) return new Fault(400, `Validation failure: ${causesOf(error)}`, options);
  if (isAlreadyExists(error)) return new Fault(409, `Already an entity of that name: ${error.message}`, options);
  if (isConflict(error)) return new Fault(409, 'Somebody else is changing the same object: try again.', options);
  if (isNotFound(error)) return new Fault(404, error.message, options);
  if (isTransient(error)) return new Fault(503, 'The Kubernetes API server does not answer at the moment: try again.', options);
  return undefined;
}

/** An admission policy that says no speaks to the user; that we ourselves lack a right is ours to mend. */
function refusal(error: KubeError): Fault | undefined {
  const options = { cause: error };
  const denied = /denied request: (.*)$/s.exec(error.message)?.[1];
  if (denied !== undefined) return new Fault(400, `Validation failure: ${denied}`, options);
  return error.message.includes('exceeded quota') ? new Fault(403, `Quota has been met: ${error.message}`, options) : undefined;
}

/** What the API server found wrong, field by field where it says so. */
function causesOf({ details, message }: KubeError): string {
  const causes = (details?.causes ?? []).map(({ field, message: words }) => (field && field !== '<nil>' ? `${field}: ${words}` : words));
  return causes.length > 0 ? causes.join('; ') : message;
}
