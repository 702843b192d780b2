import { stringify } from 'yaml';

export type OutputFormat = 'json' | 'yaml';

/** A value as kubectl prints it with `-o`; `managedFields` are left out, as there. */
export function formatted(value: unknown, format: OutputFormat): string {
  const text = JSON.stringify(value, (key, inner) => (key === 'managedFields' ? undefined : inner), 2);
  return format === 'json' ? text : stringify(JSON.parse(text), { lineWidth: 0 }).trimEnd();
}

/** Several objects in one, as kubectl has them. */
export const listOf = (items: unknown[]): object => ({ apiVersion: 'v1', kind: 'List', metadata: {}, items });
