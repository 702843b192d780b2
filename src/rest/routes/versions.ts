import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import { type App, answers } from '../app.ts';

/** Octavia's versions up to the last one of which something is here (API reference, "API versions"); clients look at them for what they may ask. */
const VERSIONS: readonly (readonly [id: string, updated: string])[] = [
  ['v2.0', '2016-12-11'],
  ['v2.1', '2018-04-20'],
  ['v2.2', '2018-07-31'],
  ['v2.3', '2018-12-18'],
  ['v2.4', '2018-12-19'],
  ['v2.5', '2019-01-21'],
  ['v2.6', '2019-01-25'],
  ['v2.7', '2018-01-25'],
  ['v2.8', '2019-02-12'],
  ['v2.9', '2019-03-04'],
  ['v2.10', '2019-03-05'],
  ['v2.11', '2019-06-24'],
  ['v2.12', '2019-09-11'],
  ['v2.13', '2019-09-13'],
  ['v2.14', '2019-11-10'],
  ['v2.15', '2020-03-10'],
  ['v2.16', '2020-03-15'],
  ['v2.17', '2020-04-29'],
  ['v2.18', '2020-04-29'],
  ['v2.19', '2020-05-12'],
  ['v2.20', '2020-08-02'],
  ['v2.21', '2020-09-03'],
  ['v2.22', '2020-09-04'],
  ['v2.23', '2020-09-07'],
  ['v2.24', '2020-10-15'],
  ['v2.25', '2021-10-02'],
  ['v2.26', '2022-08-29'],
  ['v2.27', '2023-05-05'],
];

const Version = z.object({
  id: z.string(),
  status: z.enum(['CURRENT', 'SUPPORTED']),
  updated: z.string(),
  links: z.array(z.object({ href: z.string(), rel: z.string() })),
});

/** The address that a request was sent to, with the prefix that it had. */
const baseOf = ({ protocol, host, originalUrl }: FastifyRequest): string =>
  `${protocol}://${host}${originalUrl.startsWith('/load-balancer') ? '/load-balancer' : ''}`;

/** The version document, at `/` and at `/v2.0`. */
export function versionRoutes(app: App): void {
  const answer = (request: FastifyRequest) => ({
    versions: VERSIONS.map(([id, day], i) => ({
      id,
      status: i === VERSIONS.length - 1 ? 'CURRENT' : 'SUPPORTED',
      updated: `${day}T00:00:00Z`,
      links: [{ href: `${baseOf(request)}/v2`, rel: 'self' }],
    })),
  });
  const schema = { summary: 'API versions', tags: ['versions'], security: [], response: answers(200, { versions: z.array(Version) }) };
  app.get('/', { schema }, answer);
  app.get('/v2.0', { schema }, answer);
}
