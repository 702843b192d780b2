import * as z from 'zod';
import { API_VERSION, type Flavor, FlavorProfileSpec, FlavorSpec, ObjectName } from '../../api/index.ts';
import { flavors as resource } from '../../controller/resources.ts';
import { isAlreadyExists } from '../../kube/errors.ts';
import {
  type App,
  answers,
  answersMany,
  answersNothing,
  answersOne,
  ById,
  type Context,
  callerOf,
  Fields,
  Listing,
  listed,
} from '../app.ts';
import { type Item, selected } from '../listing.ts';
import { Bool, conflict, invalid, notFound, Text } from '../octavia/index.ts';
import { type Repository, WRITER } from '../repository.ts';
import type { WantedFlavor } from '../resize.ts';

const path = '/v2.0/lbaas/flavors';
const tags = ['flavors'];

const Response = z.object({
  id: z.string().meta({ description: 'The uid of the Flavor; wherever an id is taken, the name will do.' }),
  name: z.string(),
  description: z.string(),
  enabled: z.boolean().meta({ description: 'Whether load balancers may enter it; those that have it keep it.' }),
  flavor_profile_id: z.string(),
});
const Create = z.strictObject({
  name: z.string().min(1).max(253),
  description: Text,
  enabled: Bool,
  flavor_profile_id: z.string().min(1).max(253).meta({ description: 'Id or name of the flavor profile.' }),
});
const Update = z.strictObject({ name: Text, description: Text, enabled: Bool });

type Named = { metadata: { uid?: string; name: string } };

/** The one of this id, or else of this name. */
export const byIdOrName = <T extends Named>(all: readonly T[], id: string): T | undefined =>
  all.find(({ metadata }) => metadata.uid === id) ?? all.find(({ metadata }) => metadata.name === id);

/** @throws OctaviaFault 400 for a name that no object can have */
export function objectName(name: string): string {
  if (ObjectName.safeParse(name).success) return name;
  throw invalid(`name ${name}: it is the name of a Kubernetes object too, and must be lower-case letters, digits, dashes and dots.`);
}

/** A flavor as a resize asks about it, by id or name; the name alone where there is none. */
export async function findFlavor(repository: Repository, id: string): Promise<{ name: string; flavor: WantedFlavor | undefined }> {
  const [flavors, profiles] = await Promise.all([repository.flavors(), repository.flavorProfiles()]);
  const found = byIdOrName(flavors, id);
  const { data: spec } = FlavorSpec.safeParse(found?.spec);
  const { data: profile } = FlavorProfileSpec.safeParse(profiles.find(({ metadata }) => metadata.name === spec?.flavorProfile)?.spec);
  const name = found?.metadata.name ?? id;
  if (!found || !spec || !profile || found.metadata.deletionTimestamp) return { name, flavor: undefined };
  const { provider, flavorData } = profile;
  return { name, flavor: { name, enabled: spec.enabled, provider, topology: flavorData.loadbalancerTopology } };
}

export function flavorRoutes(app: App, { repository, authorization }: Context): void {
  async function shown(flavors: Flavor[]): Promise<Item[]> {
    const ids = new Map((await repository.flavorProfiles()).map(({ metadata }) => [metadata.name, metadata.uid]));
    return flavors.map(({ metadata, spec: { description = '', enabled, flavorProfile } }) => ({
      id: metadata.uid,
      name: metadata.name,
      ...{ description, enabled },
      flavor_profile_id: ids.get(flavorProfile) ?? flavorProfile,
    }));
  }
  const show = async (flavor: Flavor) => ({ flavor: (await shown([flavor]))[0]! });
  async function find(id: string): Promise<Flavor> {
    const flavor = byIdOrName(await repository.flavors(), id);
    if (!flavor) throw notFound('Flavor', id);
    return flavor;
  }

  app.get(
    path,
    { schema: { tags, summary: 'List flavors', querystring: Listing, response: answersMany('flavors', Response) } },
    async (request) => {
      await authorization.require(callerOf(request), { verb: 'list', resource: 'flavors' });
      return listed(request, 'flavors', await shown(await repository.flavors()));
    },
  );

  app.get(
    `${path}/:id`,
    { schema: { tags, summary: 'Show a flavor', params: ById, querystring: Fields, response: answersOne('flavor', Response) } },
    async (request) => {
      await authorization.require(callerOf(request), { verb: 'get', resource: 'flavors' });
      const { flavor } = await show(await find(request.params.id));
      return { flavor: selected(flavor, request.query.fields) };
    },
  );

  app.post(
    path,
    {
      schema: {
        ...{ tags, summary: 'Create a flavor', body: z.strictObject({ flavor: Create }) },
        response: answers(201, { flavor: Response }),
      },
    },
    async (request, reply) => {
      await authorization.require(callerOf(request), { verb: 'create', resource: 'flavors' });
      const { name, description, enabled, flavor_profile_id: profileId } = request.body.flavor;
      const profile = byIdOrName(await repository.flavorProfiles(), profileId);
      if (!profile) throw invalid(`there is no flavor profile ${profileId}: GET /v2.0/lbaas/flavorprofiles lists those that there are.`);
      const object: Flavor = {
        apiVersion: API_VERSION,
        kind: 'Flavor',
        metadata: { name: objectName(name) },
        spec: { enabled: enabled ?? true, ...(description && { description }), flavorProfile: profile.metadata.name },
      };
      reply.code(201);
      return show(await named('flavor', name, repository.client.create(resource, object, WRITER)));
    },
  );

  app.put(
    `${path}/:id`,
    {
      schema: {
        ...{ tags, summary: 'Update a flavor', params: ById, body: z.strictObject({ flavor: Update }) },
        response: answers(200, { flavor: Response }),
      },
    },
    async (request) => {
      await authorization.require(callerOf(request), { verb: 'update', resource: 'flavors' });
      const { metadata } = await find(request.params.id);
      const { name, description, enabled } = request.body.flavor;
      requireSameName('flavor', metadata.name, name);
      const spec = { ...(description !== undefined && { description }), ...(enabled !== undefined && { enabled: enabled ?? true }) };
      return show(await repository.client.patchMerge<Flavor>(resource, metadata, { spec }, WRITER));
    },
  );

  app.delete(
    `${path}/:id`,
    { schema: { tags, summary: 'Delete a flavor', params: ById, response: answersNothing(204) } },
    async (request, reply) => {
      await authorization.require(callerOf(request), { verb: 'delete', resource: 'flavors' });
      const { metadata } = await find(request.params.id);
      const user = (await repository.loadBalancers()).find(({ spec, status }) => [spec.flavorId, status?.flavorId].includes(metadata.name));
      if (user) throw conflict(`Flavor ${metadata.uid} is in use and cannot be modified.`);
      await repository.client.delete(resource, metadata, { preconditions: { uid: metadata.uid } });
      return reply.code(204).send();
    },
  );
}

/** @throws OctaviaFault 409 where the name is taken */
export async function named<T>(what: string, name: string, creation: Promise<T>): Promise<T> {
  try {
    return await creation;
  } catch (error) {
    if (isAlreadyExists(error)) throw conflict(`A ${what} of ${name} already exists.`);
    throw error;
  }
}

/** Clients send the name along with what they change. @throws OctaviaFault 409 for another one */
export function requireSameName(what: string, name: string, wanted: string | null | undefined): void {
  if (wanted === undefined || wanted === name) return;
  throw conflict(`The name of ${what} ${name} cannot be modified, since load balancers know it by that: create another one.`);
}
