import * as z from 'zod';
import { API_VERSION, type FlavorProfile, FlavorProfileSpec } from '../../api/index.ts';
import { flavorProfiles as resource } from '../../controller/resources.ts';
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
import { flavorDataOf, flavorDataText } from '../flavor-data.ts';
import { type Item, selected } from '../listing.ts';
import { conflict, notFound, OctaviaFault, Text } from '../octavia/index.ts';
import { WRITER } from '../repository.ts';
import { byIdOrName, named, objectName, requireSameName } from './flavors.ts';

const path = '/v2.0/lbaas/flavorprofiles';
const tags = ['flavor profiles'];

const Response = z.object({
  id: z.string().meta({ description: 'The uid of the FlavorProfile; wherever an id is taken, the name will do.' }),
  name: z.string(),
  provider_name: z.string(),
  flavor_data: z.string().meta({ description: 'The text of a JSON object; its keys are the flavor capabilities of the provider.' }),
});
const Create = z.strictObject({
  name: z.string().min(1).max(253),
  provider_name: z.string().min(1).max(255),
  flavor_data: z.string().max(4096),
});
const Update = z.strictObject({ name: Text, provider_name: Text, flavor_data: z.string().max(4096).nullish() });

function view({ metadata, spec }: FlavorProfile): Item {
  const { provider, flavorData } = FlavorProfileSpec.parse(spec);
  return { id: metadata.uid, name: metadata.name, provider_name: provider, flavor_data: flavorDataText(flavorData) };
}

/** @throws OctaviaFault 400 unless it is the one provider that there is; Octavia's amphora provider has both names */
function requireProvider(name: string): 'amphora' {
  if (name === 'amphora' || name === 'octavia') return 'amphora';
  throw new OctaviaFault(400, `Provider '${name}' is not enabled. Use amphora.`);
}

export function flavorProfileRoutes(app: App, { repository, authorization }: Context): void {
  async function find(id: string): Promise<FlavorProfile> {
    const profile = byIdOrName(await repository.flavorProfiles(), id);
    if (!profile) throw notFound('Flavor profile', id);
    return profile;
  }
  const deed = (verb: 'get' | 'list' | 'create' | 'update' | 'delete') => ({ verb, resource: 'flavorprofiles' }) as const;

  app.get(
    path,
    {
      schema: {
        ...{ tags, summary: 'List flavor profiles', querystring: Listing },
        response: answersMany('flavorprofiles', Response, 'flavorprofile_links'),
      },
    },
    async (request) => {
      await authorization.require(callerOf(request), deed('list'));
      return listed(request, 'flavorprofiles', (await repository.flavorProfiles()).map(view), 'flavorprofile_links');
    },
  );

  app.get(
    `${path}/:id`,
    {
      schema: {
        ...{ tags, summary: 'Show a flavor profile', params: ById, querystring: Fields },
        response: answersOne('flavorprofile', Response),
      },
    },
    async (request) => {
      await authorization.require(callerOf(request), deed('get'));
      return { flavorprofile: selected(view(await find(request.params.id)), request.query.fields) };
    },
  );

  app.post(
    path,
    {
      schema: {
        ...{ tags, summary: 'Create a flavor profile', body: z.strictObject({ flavorprofile: Create }) },
        response: answers(201, { flavorprofile: Response }),
      },
    },
    async (request, reply) => {
      await authorization.require(callerOf(request), deed('create'));
      const { name, provider_name: provider, flavor_data: data } = request.body.flavorprofile;
      const object: FlavorProfile = {
        apiVersion: API_VERSION,
        kind: 'FlavorProfile',
        metadata: { name: objectName(name) },
        spec: { provider: requireProvider(provider), flavorData: flavorDataOf(data) },
      };
      reply.code(201);
      return { flavorprofile: view(await named('flavor profile', name, repository.client.create(resource, object, WRITER))) };
    },
  );

  app.put(
    `${path}/:id`,
    {
      schema: {
        ...{ tags, summary: 'Update a flavor profile', params: ById, body: z.strictObject({ flavorprofile: Update }) },
        description: 'A profile can’t be changed, since load balancers run with it: what is sent must be what is there.',
        response: answers(200, { flavorprofile: Response }),
      },
    },
    async (request) => {
      await authorization.require(callerOf(request), deed('update'));
      const profile = await find(request.params.id);
      const { provider, flavorData } = FlavorProfileSpec.parse(profile.spec);
      const { name, provider_name: otherProvider, flavor_data: otherData } = request.body.flavorprofile;
      requireSameName('flavor profile', profile.metadata.name, name);
      const sameProvider = requireProvider(otherProvider ?? provider) === provider;
      // Both as text: what is left out and what is at its default are the same.
      const sameData = otherData == null || flavorDataText(flavorDataOf(otherData)) === flavorDataText(flavorData);
      if (sameProvider && sameData) return { flavorprofile: view(profile) };
      throw conflict(
        `Flavor profile ${profile.metadata.uid} is in use and cannot be modified. Create another profile and a flavor of it, and resize load balancers to that.`,
      );
    },
  );

  app.delete(
    `${path}/:id`,
    { schema: { tags, summary: 'Delete a flavor profile', params: ById, response: answersNothing(204) } },
    async (request, reply) => {
      await authorization.require(callerOf(request), deed('delete'));
      const { metadata } = await find(request.params.id);
      if ((await repository.flavors()).some(({ spec }) => spec.flavorProfile === metadata.name))
        throw conflict(`Flavor profile ${metadata.uid} is in use and cannot be modified.`);
      await repository.client.delete(resource, metadata, { preconditions: { uid: metadata.uid } });
      return reply.code(204).send();
    },
  );
}
