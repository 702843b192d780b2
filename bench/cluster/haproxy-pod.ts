import { HAPROXY_REPOSITORY } from '../../tools/cluster/images/base.ts';

/** Where HAProxy listens; its health is at `/ready` of the next one. */
export const HAPROXY_PORT = 8080;

export interface HaproxyPodOptions {
  /** What its configuration sends requests to: the name of a Service and its port. */
  configMap: string;
  cpu: string;
  memory: string;
  /** How long it is left to serve after it was told to end; seconds. Default: not at all, as long as nobody says otherwise. */
  preStopSeconds?: number;
}

/** HAProxy as a person would write it for a pod, in a ConfigMap. */
export const haproxyConfigMap = (name: string, members: readonly { address: string; protocolPort: number }[]) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: {
    'haproxy.cfg': `global
  maxconn 2000
defaults
  mode http
  timeout connect 5s
  timeout client 50s
  timeout server 50s
frontend web
  bind :${HAPROXY_PORT}
  option forwardfor
  default_backend web
frontend health
  bind :${HAPROXY_PORT + 1}
  http-request return status 200 if { path /ready }
backend web
  balance roundrobin
${members.map(({ address, protocolPort }, i) => `  server member${i + 1} ${address}:${protocolPort}`).join('\n')}
`,
  },
});

/** The spec of its pod, ready as soon as an amphora's. */
export const haproxyPodSpec = ({ configMap, cpu, memory, preStopSeconds }: HaproxyPodOptions) => ({
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  containers: [
    {
      name: 'haproxy',
      image: `${HAPROXY_REPOSITORY}:3.0`,
      resources: { requests: { cpu, memory }, limits: { cpu, memory } },
      readinessProbe: { httpGet: { path: '/ready', port: HAPROXY_PORT + 1 }, periodSeconds: 1 },
      ...(preStopSeconds !== undefined && { lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } } }),
      volumeMounts: [{ name: 'configuration', mountPath: '/usr/local/etc/haproxy' }],
    },
  ],
  volumes: [{ name: 'configuration', configMap: { name: configMap } }],
});

export const haproxyService = (name: string, selector: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector, ports: [{ name: 'http', port: HAPROXY_PORT, targetPort: HAPROXY_PORT }] },
});
