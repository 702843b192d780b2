import { type Amphora, type AmphoraRole, API_VERSION, FlavorData, Listener, Pool } from '../../src/api/index.ts';
import type { Configuration, MemberServer } from '../../src/provider/amphora/configuration.ts';

/** An Amphora object; what is left out is that of a SINGLE load balancer's only one. */
export function buildAmphora({
  name,
  uid = 'lb-uid',
  role = 'STANDALONE' as AmphoraRole,
  peer = 0,
  flavorId = 'small',
  flavorData = {} as Partial<FlavorData>,
}: {
  name: string;
  uid?: string;
  role?: AmphoraRole;
  peer?: number;
  flavorId?: string;
  flavorData?: Partial<FlavorData>;
}): Amphora {
  return {
    apiVersion: API_VERSION,
    kind: 'Amphora',
    metadata: { name, namespace: 'shop', uid: `${name}-uid`, generation: 1 },
    spec: {
      loadBalancer: { name: 'web', uid },
      operation: 1,
      slot: role === 'BACKUP' ? 1 : 0,
      role,
      peer,
      provider: 'amphora',
      flavorId,
      flavorData: FlavorData.parse({ maxConnections: 500, ...flavorData }),
      steering: 'Detached',
    },
  };
}

/** A member as HAProxy gets it; weight 1, enabled. */
export const buildServer = (server: Pick<MemberServer, 'address' | 'protocolPort'> & Partial<MemberServer>): MemberServer => ({
  weight: 1,
  backup: false,
  enabled: true,
  draining: false,
  ...server,
});

/**
 * A configuration for `amphora`: one listener on each port, all for one pool of the servers. `listener` and `pool` are merged into the
 * spec of each; a pool is HTTP without a health monitor unless they say otherwise.
 */
export function buildConfiguration({
  amphora,
  ports,
  servers = [],
  listener = {},
  pool = {},
}: {
  amphora: Amphora;
  ports: number[];
  servers?: MemberServer[];
  listener?: Partial<Listener>;
  pool?: Partial<Pool>;
}): Configuration {
  const { members: _, service: __, ...poolSpec } = Pool.parse({ name: 'web', protocol: 'HTTP', ...pool });
  const { threads, maxConnections } = amphora.spec.flavorData;
  const byAddressAndPort = (a: MemberServer, b: MemberServer) => a.address.localeCompare(b.address) || a.protocolPort - b.protocolPort;
  return {
    loadBalancer: { namespace: 'shop', name: 'web', uid: amphora.spec.loadBalancer.uid },
    role: amphora.spec.role,
    flavor: { threads, maxConnections },
    listeners: ports.map((protocolPort) =>
      Listener.parse({ name: `port-${protocolPort}`, protocol: 'HTTP', protocolPort, defaultPool: poolSpec.name, ...listener }),
    ),
    problems: [],
    pools: [{ pool: poolSpec, servers: [...servers].sort(byAddressAndPort) }],
    secrets: {},
    peer: amphora.spec.peer,
    peers: [],
  };
}

/** The same configuration, with an L7 rule that no regular expression engine takes. */
export const withBrokenRegex = (configuration: Configuration): Configuration => ({
  ...configuration,
  listeners: configuration.listeners.map((listener) =>
    Listener.parse({
      ...listener,
      l7Policies: [{ name: 'broken', action: 'REJECT', rules: [{ name: 'regex', type: 'PATH', compareType: 'REGEX', value: '([' }] }],
    }),
  ),
});
