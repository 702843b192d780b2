import * as z from 'zod';
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
import { conflict, invalid, OctaviaFault } from './octavia/index.ts';

/** Octavia's body of an error (WSME's, of which python-octaviaclient and openstacksdk show the faultstring). */
export const FaultBody = z
  .object({
    faultcode: z.enum(['Client', 'Server']),
    faultstring: z.string().meta({ description: 'What is wrong, and what to do about it.' }),
    debuginfo: z.null(),
  })
  .meta({ description: 'What was wrong with the request (4xx), can’t be done by the provider (501), or is wrong here (500, 503).' });

export const faultBody = (status: number, faultstring: string): z.output<typeof FaultBody> => ({
  faultcode: status < 500 ? 'Client' : 'Server',
  faultstring,
  debuginfo: null,
});

/** What an error of the Kubernetes API means for whoever sent the request; undefined for what only we can be to blame for. */
export function kubeFault(error: unknown): OctaviaFault | undefined {
  if (!(error instanceof KubeError)) return undefined;
  if (isNamespaceTerminating(error)) return conflict('The project is being deleted, so that nothing can be created in it.');
  if (isForbidden(error)) return refusal(error);
  if (isInvalid(error)) return invalid(causesOf(error));
  if (isAlreadyExists(error)) return conflict(`Already an entity of that name: ${error.message}`);
  if (isConflict(error)) return conflict('Somebody else is changing the same object: try again.');
  if (isNotFound(error)) return new OctaviaFault(404, error.message);
  if (isTransient(error)) return new OctaviaFault(503, 'The Kubernetes API server does not answer at the moment: try again.');
  return undefined;
}

/** An admission policy that says no speaks to the user; that we ourselves lack a right is ours to mend. */
function refusal({ message }: KubeError): OctaviaFault | undefined {
  const denied = /denied request: (.*)$/s.exec(message)?.[1];
  if (denied !== undefined) return invalid(denied);
  return message.includes('exceeded quota') ? new OctaviaFault(403, `Quota has been met for resources: ${message}`) : undefined;
}

/** What the API server found wrong, field by field where it says so. */
function causesOf({ details, message }: KubeError): string {
  const causes = (details?.causes ?? []).map(({ field, message: words }) => (field && field !== '<nil>' ? `${field}: ${words}` : words));
  return causes.length > 0 ? causes.join('; ') : message;
}
