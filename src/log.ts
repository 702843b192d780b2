import { type DestinationStream, type Logger, pino } from 'pino';
import { KubeError } from './kube/errors.ts';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Fields that are never written, should somebody hand one over. */
const redacted = ['token', 'password', 'authorization', 'Authorization', 'data', 'stringData', 'key', 'cert'].flatMap((field) => [
  `secret.${field}`,
  `headers.${field}`,
  `credentials.${field}`,
]);

/** JSON lines: level as a word, time in RFC 3339, errors by what they say. Default destination: stdout. */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError },
    redact: redacted,
  };
  return destination ? pino(options, destination) : pino(options);
}

/** An error in a line: never its own fields, which can hold what a server or a file said. The stack only of what nobody expected. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error instanceof KubeError) {
    return { type: error.name, message: error.message, status: error.status, reason: error.reason, cause: messageOf(error.cause) };
  }
  return { type: error.name, message: error.message, stack: error.stack, cause: messageOf(error.cause) };
}

function messageOf(cause: unknown): string | undefined {
  return cause instanceof Error ? cause.message : undefined;
}
