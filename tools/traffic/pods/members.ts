import { inside, type Place, programConfigMap, programPod, uniqueName } from './place.ts';

export interface MemberPods {
  /** The Service in front of them, as a pool names it. */
  service: { name: string; port: string };
  /** Those that are ready, by name. */
  members(): Promise<{ name: string; address: string; protocolPort: number }[]>;
  /** Resolves once exactly so many are ready. */
  scale(count: number): Promise<void>;
}

/**
 * Starts member servers (see `MemberServer`) as a Deployment with a Service, and resolves once all are ready. They are named after their pods.
 * A member that is to go serves on for ten seconds, so that whoever sends it requests has time to see that. They end with the namespace.
 */
export async function startMemberPods(place: Place, { count = 3, name = uniqueName('members'), port = 8000 } = {}): Promise<MemberPods> {
  const labels = { app: name };
  const field = (fieldPath: string) => ({ valueFrom: { fieldRef: { fieldPath } } });
  const pod = programPod(place, name, {
    env: [
      { name: 'MEMBER_NAME', ...field('metadata.name') },
      { name: 'MEMBER_ADDRESS', ...field('status.podIP') },
      { name: 'MEMBER_PORT', value: String(port) },
    ],
    ports: [{ name: 'http', containerPort: port }],
    readinessProbe: { httpGet: { path: '/health', port }, periodSeconds: 1, timeoutSeconds: 5 },
    lifecycle: { preStop: { sleep: { seconds: 10 } } },
  });
  const objects = [
    await programConfigMap(name),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: port }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: { replicas: count, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
    },
  ];
  const rolledOut = () => inside(place, ['rollout', 'status', `deployment/${name}`, '--timeout=180s']);
  await inside(place, ['apply', '--filename=-'], { input: objects.map((o) => JSON.stringify(o)).join('\n---\n') });
  await rolledOut();
  return {
    service: { name, port: 'http' },
    async members() {
      const { items } = JSON.parse(await inside(place, ['get', 'pods', `--selector=app=${name}`, '--output=json'])) as {
        items: MemberPod[];
      };
      return items
        .filter(
          ({ metadata, status }) =>
            !metadata.deletionTimestamp && status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
        )
        .map(({ metadata, status }) => ({ name: metadata.name, address: status.podIP!, protocolPort: port }))
        .sort((a, b) => a.name.localeCompare(b.name));
    },
    async scale(replicas) {
      await inside(place, ['scale', `deployment/${name}`, `--replicas=${replicas}`]);
      await rolledOut();
    },
  };
}

interface MemberPod {
  metadata: { name: string; deletionTimestamp?: string };
  status: { podIP?: string; conditions?: { type: string; status: string }[] };
}
