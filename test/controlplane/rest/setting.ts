import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { SimulatedWorld } from '../../../src/provider/amphora/simulated/world.ts';
import { type ApiAnswer, TestApi } from '../../support/api.ts';
import { type TestControlPlane, useControlPlane } from '../../support/controlplane.ts';
import { eventually } from '../../support/eventually.ts';
import { TestOperator } from '../../support/operator.ts';
import { chart, helm } from '../chart/helm.ts';

const examples = join(import.meta.dirname, '../../../examples');

/** Who calls: service accounts of `team-a`, each bound there to the role of its name; a stranger of `team-b`; an admin of the whole cluster. */
export type Who = 'reader' | 'writer' | 'admin' | 'stranger' | 'root';

export interface RestSetting {
  controlPlane: TestControlPlane;
  world: SimulatedWorld;
  operator(): TestOperator;
  api(): TestApi;
  token(who: Who): string;
  /** One call as somebody; see `TestApi.call`. */
  as(who: Who, method: string, path: string, body?: unknown): Promise<ApiAnswer>;
  kubectl(...args: string[]): Promise<string>;
  /** Takes the waits out of the strategy of a load balancer of `team-a`, of which the API knows nothing. */
  hasten(object: string): Promise<void>;
  /** Creates a load balancer by the API in `team-a` and gives its id. */
  create(name: string, body?: Record<string, unknown>): Promise<string>;
  /** Waits until a load balancer is in this state, and gives it. */
  until(id: string, wanted: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** Waits until there is no load balancer of this id, and gives the words of the 404. */
  gone(id: string): Promise<string>;
}

/**
 * The chart's roles and policies on a control plane of this suite's own, the operator over a simulated world, and the API with the rights of its
 * service account, all of this process. The values may be read inside hooks and tests only.
 *
 * @param apiFlags as `ApiConfig` names them
 * @param operatorFlags as `Config` names them, known once the hooks before have run
 */
export function useRest(apiFlags: Record<string, string> = {}, operatorFlags: () => Record<string, string> = () => ({})): RestSetting {
  const controlPlane = useControlPlane();
  const world = new SimulatedWorld({ newConnectionsPerSecond: 100 });
  const kubectl = (...args: string[]) => controlPlane.kubectl(args);
  const tokens = new Map<Who, string>();
  let operator: TestOperator;
  let api: TestApi;

  beforeAll(async () => {
    const values = 'api.enabled=true,operator.driver=simulated';
    await helm(
      ['install', 'reflavor', chart, '--namespace=reflavor', '--create-namespace', `--set=${values}`],
      controlPlane.kubeconfigPath,
    );
    await kubectl('apply', `--filename=${examples}/flavors.yaml`);
    for (const namespace of ['team-a', 'team-b']) await kubectl('create', 'namespace', namespace);
    for (const [who, role] of [
      ['reader', 'read'],
      ['writer', 'write'],
      ['admin', 'admin'],
    ] as const) {
      await account(who, 'team-a');
      await kubectl(
        'create',
        'rolebinding',
        who,
        '-n',
        'team-a',
        `--clusterrole=reflavor-load-balancer-${role}`,
        `--serviceaccount=team-a:${who}`,
      );
    }
    await account('stranger', 'team-b');
    await kubectl(
      'create',
      'rolebinding',
      'stranger',
      '-n',
      'team-b',
      '--clusterrole=reflavor-load-balancer-admin',
      '--serviceaccount=team-b:stranger',
    );
    await account('root', 'team-a');
    await kubectl('create', 'clusterrolebinding', 'root', '--clusterrole=cluster-admin', '--serviceaccount=team-a:root');
    operator = new TestOperator(controlPlane.kubeconfigPath, world, operatorFlags());
    operator.start();
    api = new TestApi(await controlPlane.userKubeconfig({ user: 'system:serviceaccount:reflavor:reflavor-api' }), apiFlags);
    await api.start();
    // The API server hears of its own roles a moment later, and flavors get their topology from the operator.
    await eventually(async () => {
      for (const who of tokens.keys()) if ((await as(who, 'GET', 'flavors')).status !== 200) throw new Error(`${who} may not yet`);
      if ((await as('admin', 'GET', 'loadbalancers?project_id=team-a')).status !== 200) throw new Error('not bound yet');
    });
  }, 120_000);
  afterAll(async () => {
    await api?.stop();
    await operator?.stop();
  }, 60_000);

  async function account(who: Who, namespace: string): Promise<void> {
    await kubectl('create', 'serviceaccount', who, '-n', namespace);
    tokens.set(who, (await kubectl('create', 'token', who, '-n', namespace)).trim());
  }
  async function hasten(object: string): Promise<void> {
    const strategy = { settleSeconds: 0, verifySeconds: 0, drainSeconds: 1 };
    await kubectl('patch', 'lb', object, '-n', 'team-a', '--type=merge', `--patch=${JSON.stringify({ spec: { strategy } })}`);
  }
  const token = (who: Who) => tokens.get(who)!;
  const as = (who: Who, method: string, path: string, body?: unknown) => api.call(token(who), method, path, body);

  return {
    controlPlane,
    world,
    operator: () => operator,
    api: () => api,
    token,
    as,
    kubectl,
    hasten,
    async create(name, body = {}) {
      const listeners = [{ name: 'http', protocol: 'HTTP', protocol_port: 80 }];
      const { status, body: answer } = await as('writer', 'POST', 'loadbalancers', {
        loadbalancer: { name, flavor_id: 'small', listeners, ...body },
      });
      if (status !== 201) throw new Error(`${status} ${JSON.stringify(answer)}`);
      const { id } = answer.loadbalancer as { id: string };
      await hasten(name);
      return id;
    },
    gone: (id) =>
      eventually(
        async () => {
          const { status, body } = await as('root', 'GET', `loadbalancers/${id}`);
          if (status !== 404) throw new Error(`${id} is still there: ${JSON.stringify(body)}`);
          return body.faultstring as string;
        },
        { withinMs: 60_000, everyMs: 100 },
      ),
    until: (id, wanted) =>
      eventually(
        async () => {
          const { body } = await as('root', 'GET', `loadbalancers/${id}`);
          const { loadbalancer = {} } = body as { loadbalancer?: Record<string, unknown> };
          for (const [key, value] of Object.entries(wanted)) {
            if (loadbalancer[key] !== value) throw new Error(`${key} is ${loadbalancer[key]}, not ${value}: ${JSON.stringify(body)}`);
          }
          return loadbalancer;
        },
        { withinMs: 60_000, everyMs: 100 },
      ),
  };
}
