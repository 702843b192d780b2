/** Failed requests in a resize on a cluster, against a Deployment of HAProxy that gets other resources. */
import { Subject } from '../../test/support/subject.ts';
import { startTrafficPod } from '../../tools/traffic/pods/traffic.ts';
import type { TrafficCounts } from '../../tools/traffic/tally.ts';
import type { Traffic } from '../../tools/traffic/traffic.ts';
import type { Figure, Table } from '../benchmark.ts';
import { rounded } from '../numbers.ts';
import { HAPROXY_PORT, haproxyConfigMap, haproxyPodSpec, haproxyService } from './haproxy-pod.ts';
import { lostHalf } from './lost-half.ts';
import type { ClusterScene } from './scene.ts';

const rate = 300;

export async function updates(
  scene: ClusterScene,
  { loaded: rounds, lost }: { loaded: number; lost: number },
  log: (line: string) => void,
): Promise<Table> {
  const deployments = [
    { what: 'a Deployment of HAProxy gets other resources', preStopSeconds: undefined },
    { what: 'the same, with a preStop that sleeps 5 s', preStopSeconds: 5 },
  ];
  const figures: Figure[] = [figure('a resize', await resized(scene, rounds, log), { atMost: 0 })];
  for (const { what, preStopSeconds } of deployments) {
    figures.push(figure(what, await rolledOut(scene, rounds, preStopSeconds)));
    log(what);
  }
  figures.push(...(await lostHalf(scene, lost, log)));
  return {
    title: 'What clients notice on a cluster',
    text: `${rate} requests a second from a pod, of eight clients with a new connection for each request, keep-alive, and answers that take a second. The Deployment has one replica and Kubernetes' own strategy for updates; HAProxy's image has it end softly when it is told to. Each change is made ${rounds === 1 ? 'once' : `${rounds} times`}.`,
    figures,
  };
}

function figure(what: string, all: TrafficCounts[], aim?: Figure['aim']): Figure {
  const sum = (key: 'failed' | 'requests') => all.reduce((total, counts) => total + counts[key], 0);
  const first = all.flatMap(({ failures }) => failures).at(0)?.error;
  return {
    name: `${what}: failed requests`,
    measured: sum('failed'),
    unit: '',
    ...(aim && { aim }),
    note: `of ${rounded(sum('requests'))}${first ? `; the first: ${first}` : ''}`,
  };
}

/** Traffic from a pod, once it flows. */
async function flowing({ place }: ClusterScene, host: string): Promise<Traffic> {
  const traffic = await startTrafficPod(place, {
    url: `http://${host}:${HAPROXY_PORT}/`,
    newConnections: 4,
    keepAlive: 4,
    slow: 4,
    slowMs: 1000,
    rate,
  });
  await traffic.waitFor(rate);
  return traffic;
}

async function resized(scene: ClusterScene, rounds: number, log: (line: string) => void): Promise<TrafficCounts[]> {
  const lb = new Subject(scene, 'loaded');
  await lb.create({
    flavorId: 'small',
    strategy: { settleSeconds: 1, verifySeconds: 2, drainSeconds: 30 },
    listeners: [
      { name: 'web', protocol: 'HTTP', protocolPort: HAPROXY_PORT, defaultPool: 'web', insertHeaders: { 'X-Forwarded-For': true } },
    ],
    pools: [{ name: 'web', protocol: 'HTTP', service: scene.members.service }],
  });
  const { status } = await lb.untilAtRest('small');
  const all: TrafficCounts[] = [];
  for (let round = 0; round < rounds; round++) {
    const traffic = await flowing(scene, status!.vipAddress!);
    const flavorId = round % 2 === 0 ? 'large' : 'small';
    await lb.patch({ flavorId });
    await lb.untilAtRest(flavorId);
    all.push(await traffic.stop());
    log(`a resize under load, ${round + 1} of ${rounds}`);
  }
  await lb.kubectl(['delete', 'lb', lb.name, '--timeout=60s']);
  return all;
}

async function rolledOut(scene: ClusterScene, rounds: number, preStopSeconds: number | undefined): Promise<TrafficCounts[]> {
  const name = preStopSeconds === undefined ? 'plain' : 'patient';
  const labels = { app: name };
  const deployment = (cpu: string, memory: string) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: haproxyPodSpec({ configMap: name, cpu, memory, preStopSeconds }) },
    },
  });
  const rollout = () => scene.inside(['rollout', 'status', `deployment/${name}`, '--timeout=180s']);
  await scene.apply(haproxyConfigMap(name, await scene.members.members()), haproxyService(name, labels), deployment('250m', '128Mi'));
  await rollout();
  const clusterIP = await scene.inside(['get', 'service', name, '--output=jsonpath={.spec.clusterIP}']);
  const all: TrafficCounts[] = [];
  for (let round = 0; round < rounds; round++) {
    const traffic = await flowing(scene, clusterIP);
    await scene.apply(round % 2 === 0 ? deployment('1', '512Mi') : deployment('250m', '128Mi'));
    await rollout();
    // The old pod is still ending.
    const { requests } = traffic.counts();
    await traffic.waitFor(requests + ((preStopSeconds ?? 0) + 3) * rate);
    all.push(await traffic.stop());
  }
  await scene.inside(['delete', `deployment/${name}`, `service/${name}`, `configmap/${name}`, '--wait=false']);
  return all;
}
