import { describe, expect, test } from '@jest/globals';
import { useControlPlane } from '../../support/controlplane.ts';
import { type AnyObject, flavorProfile, httpListener, httpPool, loadBalancer, member, resourceOf, useClient } from './objects.ts';

const count = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
const monitored = (fields: object) => loadBalancer('evil', { pools: [httpPool({ healthMonitor: { type: 'HTTP', ...fields } })] });
const ruled = (fields: object) =>
  loadBalancer('evil', {
    listeners: [
      httpListener({
        l7Policies: [
          {
            name: 'p',
            action: 'REJECT',
            rules: [{ name: 'r', type: 'HEADER', compareType: 'EQUAL_TO', key: 'X-A', value: 'a', ...fields }],
          },
        ],
      }),
    ],
  });
const redirected = (redirectUrl: string) =>
  loadBalancer('evil', { listeners: [httpListener({ l7Policies: [{ name: 'p', action: 'REDIRECT_TO_URL', redirectUrl }] })] });
const terminated = (tls: object) =>
  loadBalancer('evil', { listeners: [httpListener({ protocol: 'TERMINATED_HTTPS', tls: { defaultTlsContainerRef: 'c', ...tls } })] });

/** A field that reaches HAProxy's configuration, with a value of its grammar in place of one of the field's own. */
const injections: [string, AnyObject][] = [
  ['a newline in a health monitor’s path', monitored({ urlPath: '/\n  server evil 192.0.2.9:80' })],
  ['a newline at the end of a health monitor’s path', monitored({ urlPath: '/\n' })],
  ['a space in a health monitor’s path', monitored({ urlPath: '/ HTTP/1.1' })],
  ['a quote in a health monitor’s path', monitored({ urlPath: '/"' })],
  ['a newline in a health monitor’s host', monitored({ domainName: 'a.example\r\nX: y', httpVersion: '1.1' })],
  ['words in expectedCodes', monitored({ expectedCodes: '200 or all' })],
  ['a newline in a rule’s value', ruled({ value: 'a\nbackend evil' })],
  ['a NUL in a rule’s value', ruled({ value: 'a\u0000' })],
  ['a control character in a rule’s value', ruled({ value: 'a\u0085b' })],
  ['a bracket in a rule’s key', ruled({ key: 'X) -m found }' })],
  ['a newline in a rule’s key', ruled({ key: 'X\n' })],
  ['a quote in a redirect', redirected('https://example.org/"')],
  ['a newline in a redirect', redirected('https://example.org/\nhttp-request')],
  ['a script in a redirect', redirected('javascript:alert(1)')],
  ['a space in ciphers', terminated({ tlsCiphers: 'HIGH ca-file /etc/passwd' })],
  ['a path for a Secret', terminated({ defaultTlsContainerRef: '../../etc/passwd' })],
  ['another namespace’s Secret', terminated({ defaultTlsContainerRef: 'other/cert' })],
  [
    'a newline in a cookie’s name',
    loadBalancer('evil', { pools: [httpPool({ sessionPersistence: { type: 'APP_COOKIE', cookieName: 'a\nb' } })] }),
  ],
  ['a newline in a member’s address', loadBalancer('evil', { pools: [httpPool({ members: [member({ address: '192.0.2.1\n' })] })] })],
  ['a newline in a pool’s name', loadBalancer('evil', { pools: [httpPool({ name: 'web\n' })] })],
  ['a space in a listener’s name', loadBalancer('evil', { listeners: [httpListener({ name: 'http bind' })] })],
  ['a newline in a network', loadBalancer('evil', { listeners: [httpListener({ allowedCidrs: ['192.0.2.0/24\n'] })] })],
  ['a path for an image’s tag', flavorProfile('evil', { flavorData: { ampImageTag: '../../bin' } })],
];

const tooMuch: [string, AnyObject][] = [
  ['65 listeners', loadBalancer('much', { listeners: count(65, (i) => httpListener({ name: `l${i}`, protocolPort: 8000 + i })) })],
  ['65 pools', loadBalancer('much', { pools: count(65, (i) => httpPool({ name: `p${i}` })) })],
  ['513 members', loadBalancer('much', { pools: [httpPool({ members: count(513, (i) => member({ protocolPort: 1000 + i })) })] })],
  ['a description of 256 characters', loadBalancer('much', { description: 'x'.repeat(256) })],
  ['a port of 65536', loadBalancer('much', { listeners: [httpListener({ protocolPort: 65536 })] })],
  ['a port of 0', loadBalancer('much', { listeners: [httpListener({ protocolPort: 0 })] })],
  ['a weight of 257', loadBalancer('much', { pools: [httpPool({ members: [member({ weight: 257 })] })] })],
  ['two listeners of one name', loadBalancer('much', { listeners: [httpListener(), httpListener({ protocolPort: 8081 })] })],
  ['a member twice', loadBalancer('much', { pools: [httpPool({ members: [member(), member({ weight: 2 })] })] })],
  [
    'a redirect code that is none',
    loadBalancer('much', {
      listeners: [httpListener({ l7Policies: [{ name: 'p', action: 'REJECT', redirectHttpCode: 200 }] })],
    }),
  ],
];

describe('on a real API server', () => {
  const controlPlane = useControlPlane({ crds: true });
  const client = useClient(controlPlane);
  const create = (object: AnyObject) => client.current.create(resourceOf(object.kind), object, { dryRun: true, fieldValidation: 'Strict' });

  test.each(injections)('%s is refused', async (_, object) => {
    await expect(create(object)).rejects.toMatchObject({ status: 422, reason: 'Invalid' });
  });

  test('what HAProxy’s grammar could mistake is fine where the value is quoted', async () => {
    await create(ruled({ value: 'a "b" \\ \'c\' { d } # e $F é' }));
  });

  test.each(tooMuch)('%s is refused', async (_, object) => {
    await expect(create(object)).rejects.toMatchObject({ status: 422, reason: 'Invalid' });
  });

  test('an unknown field is refused by name', async () => {
    await expect(create(loadBalancer('typo', { flavourId: 'small' }))).rejects.toThrow('unknown field "spec.flavourId"');
  });

  test('a large load balancer is accepted: 64 listeners, 64 pools, 64 members and 8 policies each', async () => {
    const members = count(64, (i) => member({ protocolPort: 1000 + i }));
    const l7Policies = count(8, (i) => ({
      name: `y${i}`,
      action: 'REDIRECT_TO_POOL',
      redirectPool: `p${63 - i}`,
      rules: [{ name: 'r', type: 'PATH', compareType: 'STARTS_WITH', value: `/${i}` }],
    }));
    await create(
      loadBalancer('large', {
        listeners: count(64, (i) => httpListener({ name: `l${i}`, protocolPort: 8000 + i, defaultPool: `p${63 - i}`, l7Policies })),
        pools: count(64, (i) => httpPool({ name: `p${i}`, members })),
      }),
    );
  }, 30_000);
});
