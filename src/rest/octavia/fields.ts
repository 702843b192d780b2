/** Octavia's snake_case in the camelCase of the spec. */
type Camel<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : S;

export const camel = <S extends string>(name: S): Camel<S> =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) as Camel<S>;

export const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

type Read<T, N extends string> =
  Camel<N> extends keyof T ? (undefined extends T[Camel<N>] ? Exclude<T[Camel<N>], undefined> | null : T[Camel<N>]) : never;

/** What an object of the spec has under the camelCase of these names; null where it has nothing. */
export const read = <T extends object, K extends string>(object: T, names: readonly K[]): { [N in K]: Read<T, N> } =>
  Object.fromEntries(names.map((name) => [name, (object as Record<string, unknown>)[camel(name)] ?? null])) as never;

/**
 * Writes what a body has under these names into an object of the spec. Absent: left as it is. null: back to the default, as in Octavia; only
 * `admin_state_up` is false then.
 */
export function write(target: object, body: object, names: readonly string[]): void {
  const [from, to] = [body, target] as [Record<string, unknown>, Record<string, unknown>];
  for (const name of names) {
    const value = from[name];
    if (value === undefined) continue;
    if (value !== null) to[camel(name)] = value;
    else if (name === 'admin_state_up') to.adminStateUp = false;
    else delete to[camel(name)];
  }
}
