import type * as z from 'zod';
import { FlavorProfileSpec, FlavorSpec, type LoadBalancer, LoadBalancerSpec } from '../api/index.ts';
import type { Caches } from './caches.ts';
import type { FlavorLookup } from './loadbalancer/world.ts';

/** An object that does not match its schema, as one written before a field was refused. `message` names the field and the remedy. */
export class InvalidObject extends Error {
  override name = 'InvalidObject';
}

function parse<S extends z.ZodType>(schema: S, object: { kind: string; metadata: { name: string }; spec: unknown }): z.output<S> {
  const result = schema.safeParse(object.spec);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw new InvalidObject(
    `spec${path.map((p) => (typeof p === 'number' ? `[${p}]` : `.${String(p)}`)).join('')} of ${object.kind} ${object.metadata.name}: ${message}. Correct it; what serves goes on as it was.`,
  );
}

/** The object with its spec checked and its defaults filled in. @throws InvalidObject */
export const parsedLoadBalancer = (lb: LoadBalancer): LoadBalancer => ({ ...lb, spec: parse(LoadBalancerSpec, lb) });

/** A flavor with its profile, or why it can't be had. */
export function lookupFlavor(caches: Pick<Caches, 'flavors' | 'flavorProfiles'>, id: string): FlavorLookup {
  const flavor = caches.flavors.get(id);
  if (!flavor || flavor.metadata.deletionTimestamp) {
    return { refused: 'FlavorNotFound', message: `There is no Flavor ${id}: set flavorId to one that "kubectl get flavors" shows.` };
  }
  const name = flavor.spec.flavorProfile;
  const profile = caches.flavorProfiles.get(name);
  if (!profile)
    return {
      refused: 'FlavorProfileNotFound',
      message: `Flavor ${id} names FlavorProfile ${name}, which does not exist: an admin must create it.`,
    };
  try {
    const { enabled } = parse(FlavorSpec, flavor);
    const { provider, flavorData } = parse(FlavorProfileSpec, profile);
    return { flavor: { id, enabled, provider, data: flavorData } };
  } catch (error) {
    if (error instanceof InvalidObject) return { refused: 'FlavorInvalid', message: error.message };
    throw error;
  }
}
