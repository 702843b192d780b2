import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import type { App } from './app.ts';

/** Where the bundle has the files of the page (tools/bundle.ts); run from source, the package has them itself. */
const bundled = join(import.meta.dirname, 'docs');

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
    transform: jsonSchemaTransform,
  });
  const files = existsSync(bundled) && {
    baseDir: bundled,
    logo: { type: 'image/svg+xml', content: readFileSync(join(bundled, 'logo.svg')) },
  };
  await app.register(swaggerUi, { routePrefix, ...files });
}
