import * as z from 'zod';
import { type App, answers, Listing, listed } from '../app.ts';
import { capabilities } from '../flavor-data.ts';
import { OctaviaFault } from '../octavia/index.ts';

const tags = ['providers'];
const Named = z.object({ name: z.string(), description: z.string() });
const noZones = answers(200, { availability_zone_capabilities: z.array(Named) });
const ByProvider = z.object({ provider: z.string() });

/** What load balancers can be made by, for everybody: there is one provider. */
export function providerRoutes(app: App): void {
  app.get(
    '/v2.0/lbaas/providers',
    { schema: { tags, summary: 'List providers', response: answers(200, { providers: z.array(Named) }) } },
    () => ({ providers: [{ name: 'amphora', description: 'HAProxy amphorae, resized live by Reflavor.' }] }),
  );

  app.get(
    '/v2.0/lbaas/providers/:provider/flavor_capabilities',
    {
      schema: {
        ...{ tags, summary: 'List the keys of flavor_data', params: ByProvider, querystring: Listing },
        response: answers(200, { flavor_capabilities: z.array(Named.partial()) }),
      },
    },
    (request) => {
      requireProvider(request.params.provider);
      const { flavor_capabilities } = listed(request, 'flavor_capabilities', capabilities);
      return { flavor_capabilities };
    },
  );

  app.get(
    '/v2.0/lbaas/providers/:provider/availability_zone_capabilities',
    { schema: { tags, summary: 'List the keys of availability zones: none', params: ByProvider, response: noZones } },
    (request) => {
      requireProvider(request.params.provider);
      return { availability_zone_capabilities: [] };
    },
  );
}

/** @throws OctaviaFault 501, as Octavia has it; its amphora provider has both names */
function requireProvider(name: string): void {
  if (name !== 'amphora' && name !== 'octavia') throw new OctaviaFault(501, `Provider '${name}' was not found.`);
}
