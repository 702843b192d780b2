import { spawn } from 'node:child_process';
import { connect, isIPv6 } from 'node:net';
import { createInterface } from 'node:readline';
import type { Dial } from '../../src/provider/amphora/kubernetes/identity/index.ts';
import { findBinaries } from '../../tools/binaries.ts';
import type { TestCluster } from './test-cluster.ts';

export interface Relay {
  dial: Dial;
  close(): void;
}

const PORT = 1080;

/**
 * A way from here to the addresses of pods that are not reached from here: kubectl forwards a port to a HAProxy in a pod, and that goes on to
 * wherever the PROXY line says that the connection was meant to go. Policies know the pod by its namespace and labels; it ends with its namespace.
 */
export async function startRelay(cluster: TestCluster, { namespace, labels }: { namespace: string; labels: object }): Promise<Relay> {
  const inside = (args: string[], input?: string) => cluster.kubectl([`--namespace=${namespace}`, ...args], { input });
  await inside(
    ['apply', '--filename=-'],
    objects(labels)
      .map((object) => JSON.stringify(object))
      .join('\n---\n'),
  );
  await inside(['wait', 'pod/relay', '--for=condition=Ready', '--timeout=120s']);

  const args = [`--kubeconfig=${cluster.kubeconfigPath}`, `--namespace=${namespace}`, 'port-forward', 'pod/relay', `:${PORT}`];
  let [kubectl, port] = await forward(args);
  let isClosed = false;
  // It gives up where a connection through it breaks off in a way that it doesn't like.
  const goOn = () => {
    kubectl.once('close', async () => {
      if (isClosed) return;
      try {
        [kubectl, port] = await forward(args);
        goOn();
      } catch {
        // Whoever dials finds nobody there.
      }
    });
  };
  goOn();
  return {
    dial({ host, port: wanted }) {
      const socket = connect(port, '127.0.0.1');
      const [family, source] = isIPv6(host) ? ['TCP6', '::1'] : ['TCP4', '127.0.0.1'];
      socket.write(`PROXY ${family} ${source} ${host} 1 ${wanted}\r\n`);
      return socket;
    },
    close() {
      isClosed = true;
      kubectl.kill();
    },
  };
}

async function forward(args: string[]) {
  const kubectl = spawn(findBinaries().kubectl, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface(kubectl.stdout)) {
    const [, port] = /^Forwarding from 127\.0\.0\.1:(\d+) /.exec(line) ?? [];
    if (port === undefined) continue;
    kubectl.stdout.resume();
    return [kubectl, Number(port)] as const;
  }
  throw new Error('kubectl forwards no port to the relay');
}

const objects = (labels: object) => [
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'relay' },
    data: {
      'haproxy.cfg': [
        'global',
        '  maxconn 200',
        'listen relay',
        '  mode tcp',
        `  bind :::${PORT} v4v6 accept-proxy`,
        '  timeout connect 2s',
        '  timeout client 5m',
        '  timeout server 5m',
        // Nowhere of its own: where the connection was meant to go (configuration manual, section 4.2, "server").
        '  server any 0.0.0.0:0',
        '',
      ].join('\n'),
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'relay', labels },
    spec: {
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 99, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'haproxy',
          image: 'docker.io/library/haproxy:3.0',
          command: ['haproxy', '-db', '-f', '/etc/relay/haproxy.cfg'],
          readinessProbe: { tcpSocket: { port: PORT }, periodSeconds: 1 },
          securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
          volumeMounts: [{ name: 'relay', mountPath: '/etc/relay' }],
        },
      ],
      volumes: [{ name: 'relay', configMap: { name: 'relay' } }],
    },
  },
];
