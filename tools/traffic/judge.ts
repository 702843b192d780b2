/** What the head of an answer says. */
export interface Judged {
  status: number;
  /** What its header `x-member` says. */
  member: string | undefined;
  /** What its header `x-client-address` says. */
  clientAddress: string | undefined;
}

/**
 * A connection that the server closed while it was idle shows at once when it is used again; one that breaks later than this had taken
 * the request. Milliseconds, generous because the machine is busy.
 */
export const idleRaceMs = 1000;

/** What is wrong with an answer, if something is; `ownAddress`: the address that the member must have seen, where that matters. */
export function judge(
  { status, member, clientAddress }: Judged,
  wrongBody: string | undefined,
  ownAddress: string | undefined,
): string | undefined {
  if (status !== 200) return `status ${status} from ${member ?? 'the load balancer'}`;
  if (wrongBody !== undefined) return wrongBody;
  if (ownAddress === undefined || clientAddress === ownAddress) return undefined;
  return `the member saw the client address ${clientAddress}, not ${ownAddress}`;
}

/** What is wrong with a body that should be the member's name, where the answer has it. */
export function wrongName(body: string, member: string | undefined): string | undefined {
  return member === undefined || body === member ? undefined : `the body of ${member} is ${JSON.stringify(body.slice(0, 80))}`;
}

export function isConnectionClosed(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNRESET' || code === 'EPIPE';
}

/** `answered`: a part of the answer had come. */
export function describeError(error: Error, answered: boolean): string {
  if (isConnectionClosed(error)) return `the connection was lost ${answered ? 'within' : 'before'} the answer (${error.message})`;
  return error.message || ((error as AggregateError).errors ?? []).map(String).join(', ') || error.name;
}
