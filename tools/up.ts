/** `make up`: starts the whole of it in `.reflavor/` and leaves it running. */
import { join, relative } from 'node:path';
import { findBinaries } from './binaries.ts';
import { examplePorts, startStack } from './stack.ts';

const dir = join(import.meta.dirname, '../.reflavor');
try {
  const stack = await startStack({
    dir,
    detached: true,
    memberPorts: examplePorts,
    operatorFlags: ['--default-flavor=small'],
    log: (line) => console.log(`up: ${line}`),
  });
  const kubectl = findBinaries().kubectl;
  console.log(`up: it runs; logs are in ${relative(process.cwd(), dir)}/. Next:

  export KUBECONFIG=${stack.kubeconfigPath}
  export PATH=${join(kubectl, '..')}:$PATH    # kubectl and helm
  kubectl apply -f examples/http.yaml
  kubectl get lb -w

make down ends it.`);
} catch (error) {
  console.error(`up: ${(error as Error).message}`);
  console.error('up: what was started before that still runs; `make down` ends it');
  process.exitCode = 1;
}
// Its children hold nothing of it open, but an idle connection might.
process.exit();
