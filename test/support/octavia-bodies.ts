import fc from 'fast-check';

/** Bodies of requests to Octavia's API that Reflavor can carry out, for properties. */

const text = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ maxLength: 40, unit: 'grapheme' }), fc.constantFrom('web', 'Web', 'a b'));
const tags = fc.array(fc.string({ minLength: 1, maxLength: 20 }), { maxLength: 3 });
const port = fc.integer({ min: 1, max: 60_000 });
const secret = fc.constantFrom('cert', 'other-cert', 'ca.example.org');
const address = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 223 }), fc.nat(255), fc.nat(255)).map(([a, b, c]) => `${a}.${b}.${c}.9`),
  fc.integer({ min: 1, max: 0xffff }).map((n) => `2001:db8::${n.toString(16)}`),
);
const optional = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(fields, { requiredKeys: [] });
const common = { name: text, admin_state_up: fc.boolean(), tags };
const ciphers = fc.constantFrom('ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256', '!aNULL:HIGH');
const tlsVersions = fc.uniqueArray(fc.constantFrom('TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'), { minLength: 1 });
const alpn = fc.uniqueArray(fc.constantFrom('h2', 'http/1.1', 'http/1.0'));

/** The two bodies as one. */
const both = <A extends object, B extends object>(a: fc.Arbitrary<A>, b: fc.Arbitrary<B>): fc.Arbitrary<A & B> =>
  fc.tuple(a, b).map(([left, right]) => ({ ...left, ...right }));

export const memberBody = both(
  fc.record({ address, protocol_port: port }),
  optional({ ...common, weight: fc.integer({ min: 0, max: 256 }), backup: fc.boolean(), monitor_address: address, monitor_port: port }),
);

const httpChecks = optional({
  http_method: fc.constantFrom('GET', 'HEAD', 'OPTIONS'),
  url_path: fc.constantFrom('/', '/healthz?deep=1', '/a%20b'),
  expected_codes: fc.constantFrom('200', '200,202', '200-204'),
});
const host = fc.constantFrom({}, { http_version: 1 }, { http_version: 1.1 }, { http_version: 1.1, domain_name: 'app.example.org' });

export const healthMonitorBody = fc.integer({ min: 1, max: 60 }).chain((delay) =>
  both(
    fc.record({
      delay: fc.constant(delay),
      timeout: fc.integer({ min: 1, max: delay }),
      max_retries: fc.integer({ min: 1, max: 10 }),
    }),
    both(
      optional({ ...common, max_retries_down: fc.integer({ min: 1, max: 10 }) }),
      fc.oneof(
        fc.record({ type: fc.constantFrom('TCP', 'TLS-HELLO') }),
        both(both(fc.record({ type: fc.constantFrom('HTTP', 'HTTPS') }), httpChecks), host),
      ),
    ),
  ),
);

const persistence = fc.constantFrom({ type: 'SOURCE_IP' }, { type: 'HTTP_COOKIE' }, { type: 'APP_COOKIE', cookie_name: 'JSESSIONID' });

/** A pool of protocol HTTP, which any listener but HTTPS can use. */
export const poolBody = both(
  fc.record({
    protocol: fc.constant('HTTP'),
    lb_algorithm: fc.constantFrom('ROUND_ROBIN', 'LEAST_CONNECTIONS', 'SOURCE_IP'),
    members: fc.uniqueArray(memberBody, { maxLength: 3, selector: (member) => `${member.address} ${member.protocol_port}` }),
  }),
  optional({
    ...common,
    description: text,
    session_persistence: persistence,
    healthmonitor: healthMonitorBody,
    tls_enabled: fc.boolean(),
    tls_container_ref: secret,
    ca_tls_container_ref: secret,
    tls_ciphers: ciphers,
    tls_versions: tlsVersions,
    alpn_protocols: alpn,
  }),
);

export const ruleBody = both(
  fc.oneof(
    fc.record({
      type: fc.constantFrom('HOST_NAME', 'PATH'),
      compare_type: fc.constantFrom('STARTS_WITH', 'ENDS_WITH', 'CONTAINS', 'EQUAL_TO', 'REGEX'),
      value: fc.constantFrom('/api', 'example.org', 'it\'s \\ "quoted"'),
    }),
    fc.record({
      type: fc.constantFrom('HEADER', 'COOKIE'),
      compare_type: fc.constant('EQUAL_TO'),
      key: fc.constant('X-a'),
      value: fc.constant('b'),
    }),
    fc.record({ type: fc.constant('FILE_TYPE'), compare_type: fc.constantFrom('EQUAL_TO', 'REGEX'), value: fc.constant('jpg') }),
    fc.record({
      type: fc.constant('SSL_DN_FIELD'),
      compare_type: fc.constant('CONTAINS'),
      key: fc.constant('CN'),
      value: fc.constant('x'),
    }),
    fc.record({ type: fc.constant('SSL_CONN_HAS_CERT'), compare_type: fc.constant('EQUAL_TO'), value: fc.constant('True') }),
    fc.record({ type: fc.constant('SSL_VERIFY_RESULT'), compare_type: fc.constant('EQUAL_TO'), value: fc.constant('0') }),
  ),
  optional({ admin_state_up: fc.boolean(), invert: fc.boolean(), tags }),
);

const url = fc.constantFrom('https://example.org/', 'http://example.org:8080/a?b=c');
const code = optional({ redirect_http_code: fc.constantFrom(301, 302, 303, 307, 308) });

/** @param poolNames of pools in the same call */
export const policyBody = (poolNames: readonly string[]) =>
  both(
    fc.oneof(
      fc.record({ action: fc.constant('REJECT') }),
      both(fc.record({ action: fc.constant('REDIRECT_TO_URL'), redirect_url: url }), code),
      both(fc.record({ action: fc.constant('REDIRECT_PREFIX'), redirect_prefix: url }), code),
      ...(poolNames.length === 0
        ? []
        : [fc.record({ action: fc.constant('REDIRECT_TO_POOL'), redirect_pool: fc.record({ name: fc.constantFrom(...poolNames) }) })]),
    ),
    optional({ ...common, description: text, position: fc.integer({ min: 1, max: 5 }), rules: fc.array(ruleBody, { maxLength: 3 }) }),
  );

const headers = optional({ 'X-Forwarded-For': fc.constantFrom('true', 'false'), 'X-Forwarded-Proto': fc.constant('true') });
const milliseconds = fc.integer({ min: 0, max: 31_536_000_000 });

/** @param poolNames of pools in the same call */
export function listenerBody(poolNames: readonly string[]) {
  const settings = optional({
    ...common,
    description: text,
    connection_limit: fc.oneof(fc.constant(-1), fc.integer({ min: 1, max: 1_000_000 })),
    timeout_client_data: milliseconds,
    timeout_member_connect: milliseconds,
    timeout_member_data: milliseconds,
    timeout_tcp_inspect: milliseconds,
    allowed_cidrs: fc.uniqueArray(fc.constantFrom('10.0.0.0/8', '192.0.2.0/24', '2001:db8::/32'), { minLength: 1 }),
    ...(poolNames.length > 0 && { default_pool: fc.record({ name: fc.constantFrom(...poolNames) }) }),
  });
  const http = optional({ insert_headers: headers, l7policies: fc.array(policyBody(poolNames), { maxLength: 3 }) });
  const tls = both(
    fc.record({ default_tls_container_ref: secret }),
    optional({
      sni_container_refs: fc.uniqueArray(secret, { minLength: 1 }),
      tls_ciphers: ciphers,
      tls_versions: tlsVersions,
      alpn_protocols: alpn,
      hsts_max_age: fc.integer({ min: 0, max: 31_536_000 }),
    }),
  );
  const clients = fc.oneof(
    fc.constant({}),
    both(
      fc.record({ client_ca_tls_container_ref: secret, client_authentication: fc.constantFrom('OPTIONAL', 'MANDATORY') }),
      optional({ client_crl_container_ref: secret }),
    ),
  );
  const protocol = fc.oneof(
    fc.record({ protocol: fc.constant('TCP') }),
    both(fc.record({ protocol: fc.constant('HTTP') }), http),
    both(both(fc.record({ protocol: fc.constant('TERMINATED_HTTPS') }), http), both(tls, clients)),
  );
  return both(both(fc.record({ protocol_port: port }), settings), protocol);
}

/** A load balancer with all its children in one call. */
export const treeBody = fc
  .uniqueArray(both(poolBody, fc.record({ name: text.filter((name) => name !== '') })), { maxLength: 3, selector: ({ name }) => name })
  .chain((pools) =>
    both(
      fc.record({
        pools: fc.constant(pools),
        listeners: fc.uniqueArray(listenerBody(pools.map(({ name }) => name)), {
          maxLength: 3,
          selector: (listener) => listener.protocol_port,
        }),
      }),
      optional({ ...common, description: text, vip_address: address }),
    ),
  );
