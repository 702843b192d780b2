/** `make up`: starts the whole of it in `.reflavor/` and leaves it running. */
import { join, relative } from 'node:path';
import { findBinaries } from './binaries.ts';
import { memberPorts, writeLocalExamples } from './examples.ts';
import { startStack } from './stack.ts';

const dir = join(import.meta.dirname, '../.reflavor');
/** Octavia's own. */
const apiPort = 9876;
try {
  const stack = await startStack({
    dir,
    detached: true,
    memberPorts,
    apiPort,
    operatorFlags: ['--default-flavor=small'],
    log: (line) => console.log(`up: ${line}`),
  });
  await writeLocalExamples(join(dir, 'examples'));
  const kubectl = findBinaries().kubectl;
  console.log(`up: it runs; logs are in ${relative(process.cwd(), dir)}/. Next:

  export KUBECONFIG=${stack.kubeconfigPath}
  export PATH=${join(kubectl, '..')}:$PATH    # kubectl and helm
  kubectl apply -f ${relative(process.cwd(), join(dir, 'examples/http.yaml'))}
  kubectl get lb -w

The API, Octavia's, is at http://127.0.0.1:${apiPort} (http://127.0.0.1:${apiPort}/docs describes it):

  export OS_AUTH_TYPE=admin_token OS_ENDPOINT=http://127.0.0.1:${apiPort} OS_TOKEN=$(cat ${join(dir, 'token')})
  openstack loadbalancer list             # python-openstackclient with python-octaviaclient
  curl -H "X-Auth-Token: $OS_TOKEN" $OS_ENDPOINT/v2.0/lbaas/loadbalancers

make down ends it.`);
} catch (error) {
  console.error(`up: ${(error as Error).message}`);
  console.error('up: what was started before that still runs; `make down` ends it');
  process.exitCode = 1;
}
// Its children hold nothing of it open, but an idle connection might.
process.exit();
