/** `make cluster`: starts a cluster in `.reflavor/cluster/`, installs the chart of this checkout, and leaves it running. */
import { join, relative } from 'node:path';
import { findBinaries } from '../binaries.ts';
import { startCluster } from './cluster.ts';
import { standingDir as dir, equip } from './standing.ts';

const startedAt = performance.now();
const say = (line: string) => console.log(`cluster: ${line}`);
try {
  const cluster = await startCluster({ dir, detached: true, log: say });
  say('the operator: its image from the Dockerfile, the chart from charts/reflavor');
  await equip(cluster);
  const here = (path: string) => relative(process.cwd(), path);
  say(`it runs, after ${Math.round((performance.now() - startedAt) / 1000)} s; logs are in ${here(join(dir, 'logs'))}/. Next:

  export KUBECONFIG=${cluster.kubeconfigPath}
  export PATH=${join(findBinaries().kubectl, '..')}:$PATH    # kubectl and helm
  kubectl get nodes,pods -A
  kubectl apply -f examples/members.yaml -f examples/http.yaml
  kubectl get lb -w

Pods and Services are reached from here at their addresses. make cluster-down ends it.`);
} catch (error) {
  say((error as Error).message);
  say('what was started before that still runs; `make cluster-down` ends it');
  process.exitCode = 1;
}
// Its children hold nothing of it open, but an idle connection might.
process.exit();
