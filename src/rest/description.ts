import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import * as z from 'zod';
import type { App } from './app.ts';
import { FaultBody } from './fault.ts';

/** Where the bundle has the files of the page (tools/bundle.ts); run from source, the package has them itself. */
const bundled = join(import.meta.dirname, 'docs');

const { $schema: _, ...fault } = z.toJSONSchema(FaultBody);

/** Describes the routes that are added from now on: a page at the prefix, OpenAPI 3.1 at `/json` and `/yaml` below it. */
export async function describeAt(app: App, routePrefix: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Reflavor: Octavia-compatible API',
        description: 'Load balancers of Kubernetes namespaces (projects) in the words of OpenStack Octavia, and their live resize.',
        version: 'v2.0',
      },
      components: {
        securitySchemes: {
          token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token', description: 'A token of the Kubernetes cluster.' },
          bearer: { type: 'http', scheme: 'bearer' },
        },
      },
      security: [{ token: [] }, { bearer: [] }],
    },
    transform: (route) => {
      const { schema, url } = jsonSchemaTransform(route);
      const { response, ...rest } = schema as { response?: object };
      // What a route answers to a mistake it doesn't say itself: it is the same for all.
      return { schema: { ...rest, ...(response && { response: { ...response, default: fault } }) }, url };
    },
  });
  const files = existsSync(bundled) && {
    baseDir: bundled,
    logo: { type: 'image/svg+xml', content: readFileSync(join(bundled, 'logo.svg')) },
  };
  await app.register(swaggerUi, { routePrefix, ...files });
}
