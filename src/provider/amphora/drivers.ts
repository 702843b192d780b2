import type { KubeClient } from '../../kube/client.ts';
import type { Watch } from '../../kube/watched.ts';
import type { AmphoraDriver } from './driver.ts';
import { KubernetesDriver } from './kubernetes/driver.ts';
import { ProcessDriver } from './process/driver.ts';
import { SimulatedDriver } from './simulated/driver.ts';
import { SimulatedWorld } from './simulated/world.ts';

/** What the operator's configuration says of its driver. */
export interface DriverSettings {
  driver: keyof typeof drivers;
  /** Absolute path of the folder where the driver `process` keeps its amphorae. */
  stateDir: string;
  /** The HAProxy binary of the driver `process`, a path or a name on the PATH. */
  haproxy: string;
  /** Repository of the image that the driver `kubernetes` runs, and its tag where the flavor names none. */
  amphoraImage: string;
  amphoraImageTag: string;
  /** Names of the Secrets by which it is pulled, of each load balancer's own namespace. */
  amphoraImagePullSecrets: readonly string[];
  /** By which a NetworkPolicy knows the pods of the operator. */
  operatorPodLabels: Record<string, string>;
}

/** The cluster as drivers know it. */
export interface DriverCluster {
  client: KubeClient;
  watch: Watch;
  /** Of the operator. */
  namespace: string;
}

/** About as long as the acts of the driver `process` take, so that an operator's steps can be watched. */
const watchable = { build: 500, configure: 200, attach: 50, detach: 50, sync: 500 };

const drivers = {
  kubernetes: (settings: DriverSettings, { client, watch, namespace }: DriverCluster) =>
    new KubernetesDriver({
      client,
      watch,
      operator: { namespace, podLabels: settings.operatorPodLabels },
      image: {
        repository: settings.amphoraImage,
        tag: settings.amphoraImageTag,
        pullSecrets: settings.amphoraImagePullSecrets,
      },
    }),
  process: ({ stateDir, haproxy }: DriverSettings) => new ProcessDriver({ stateDir, haproxy }),
  simulated: () => new SimulatedDriver(new SimulatedWorld({ delays: watchable })),
} satisfies Record<string, (settings: DriverSettings, cluster: DriverCluster) => AmphoraDriver>;

/** Makes the driver that is named. @throws RangeError when the state folder can't hold sockets */
export function createDriver(settings: DriverSettings, cluster: DriverCluster): AmphoraDriver {
  const create: (settings: DriverSettings, cluster: DriverCluster) => AmphoraDriver = drivers[settings.driver];
  return create(settings, cluster);
}
