/** The HTTP statuses of a fault: what the request says is wrong, is not for this caller, is not there, is at odds with what is there, can't be had. */
export type FaultStatus = 400 | 401 | 403 | 404 | 409 | 429 | 501 | 503;

/** What Octavia answers a request that it does not carry out: nothing was changed. The words stand in the body as `faultstring`. */
export class OctaviaFault extends Error {
  override name = 'OctaviaFault';
  readonly status: FaultStatus;

  constructor(status: FaultStatus, faultstring: string) {
    super(faultstring);
    this.status = status;
  }

  get faultstring(): string {
    return this.message;
  }
}

// The words are Octavia's own (octavia/common/exceptions.py), since clients look for them.

export const invalid = (detail: string) => new OctaviaFault(400, `Validation failure: ${detail}`);
export const invalidOption = (value: string, option: string) => new OctaviaFault(400, `${value} is not a valid option for ${option}`);
export const invalidInput = (field: string, value: unknown, detail: string) =>
  new OctaviaFault(400, `Invalid input for field/attribute ${field}. Value: '${shown(value)}'. ${detail}`);
export const notFound = (resource: string, id: string) => new OctaviaFault(404, `${resource} ${id} not found.`);
export const conflict = (faultstring: string) => new OctaviaFault(409, faultstring);
export const quotaMet = (resource: string, most: string) =>
  new OctaviaFault(403, `Quota has been met for resources: ${resource}. There can be at most ${most}.`);
/** What Octavia knows and Reflavor's amphorae can't do. `detail` says why, and what to ask for instead. */
export const unsupported = (detail: string) => new OctaviaFault(501, `Provider 'amphora' does not support a requested option: ${detail}`);

/** A value as it stands in a fault, cut where it is long. */
export function shown(value: unknown): string {
  const text = value === undefined || value === null ? 'None' : typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
