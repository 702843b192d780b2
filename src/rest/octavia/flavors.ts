import type { Flavor } from '../../api/index.ts';

/** A flavor as requests and answers speak of it: its id in Octavia is the uid of its object, in Reflavor the name. */
export interface KnownFlavor {
  id: string;
  name: string;
  enabled: boolean;
  /** As the operator copied it from the profile; undefined before that. */
  provider?: string;
}

/** Looks flavors up both ways. */
export interface Flavors {
  /** By Octavia id, or by name. */
  find(idOrName: string): KnownFlavor | undefined;
  /** The Octavia id of a flavor by its name; the name itself once the flavor is gone. */
  idOf(name: string): string;
}

export function flavorsOf(flavors: readonly Flavor[]): Flavors {
  const known = flavors.map(
    ({ metadata, spec, status }): KnownFlavor => ({
      id: metadata.uid!,
      name: metadata.name,
      enabled: spec.enabled,
      provider: status?.provider,
    }),
  );
  const [byId, byName] = [new Map(known.map((flavor) => [flavor.id, flavor])), new Map(known.map((flavor) => [flavor.name, flavor]))];
  return {
    find: (idOrName) => byId.get(idOrName) ?? byName.get(idOrName),
    idOf: (name) => byName.get(name)?.id ?? name,
  };
}
