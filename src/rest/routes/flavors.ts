import type { Flavor } from '../../api/index.ts';
import { type App, type Context, callerOf } from '../app.ts';
import { notFound } from '../fault.ts';
import { type Item, paged, type Query, selected } from '../listing.ts';

/** A flavor as Octavia shows it. Its id is the uid of the Flavor; wherever an id is taken, its name will do. */
const flavorView = ({ metadata, spec }: Flavor, profileId: string): Item => ({
  id: metadata.uid,
  name: metadata.name,
  description: spec.description ?? '',
  enabled: spec.enabled,
  flavor_profile_id: profileId,
});

export function flavorRoutes(app: App, { repository, authorization }: Context): void {
  const profileIds = async () => new Map((await repository.flavorProfiles()).map(({ metadata }) => [metadata.name, metadata.uid!]));

  app.get('/v2.0/lbaas/flavors', { schema: { summary: 'List flavors', tags: ['flavors'] } }, async (request) => {
    await authorization.require(callerOf(request), { verb: 'list', resource: 'flavors' });
    const [flavors, profiles] = await Promise.all([repository.flavors(), profileIds()]);
    const all = flavors.map((flavor) => flavorView(flavor, profiles.get(flavor.spec.flavorProfile) ?? flavor.spec.flavorProfile));
    const { items, links } = paged(
      all,
      request.query as Query,
      `${request.protocol}://${request.host}${request.originalUrl.split('?')[0]}`,
    );
    return { flavors: items, flavors_links: links };
  });

  app.get('/v2.0/lbaas/flavors/:id', { schema: { summary: 'Show a flavor', tags: ['flavors'] } }, async (request) => {
    const { id } = request.params as { id: string };
    await authorization.require(callerOf(request), { verb: 'get', resource: 'flavors' });
    const [flavors, profiles] = await Promise.all([repository.flavors(), profileIds()]);
    const flavor = flavors.find(({ metadata }) => metadata.uid === id) ?? flavors.find(({ metadata }) => metadata.name === id);
    if (!flavor) throw notFound('Flavor', id);
    return {
      flavor: selected(
        flavorView(flavor, profiles.get(flavor.spec.flavorProfile) ?? flavor.spec.flavorProfile),
        (request.query as Query).fields,
      ),
    };
  });
}
