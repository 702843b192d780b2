import {
  ApiError,
  type Client,
  cancel,
  failover,
  failoverProgress,
  findFlavor,
  type LoadBalancer,
  type ObjectRef,
  type Preview,
  previewResize,
  resize,
  resizeProgress,
  retry,
  type WaitOptions,
} from '../../sdk/index.ts';
import { type ClusterOptions, clusterOf } from '../cluster.ts';
import { EXIT_CODES, UsageError } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { formatted, type OutputFormat } from '../output.ts';
import { previewLines } from '../views/preview.ts';
import { doneLine } from '../views/progress.ts';
import { showWait } from '../wait.ts';

/** Flags of what changes something. */
export interface ActFlags extends ClusterOptions {
  output?: OutputFormat;
  wait?: boolean;
  /** Seconds. */
  timeout?: number;
  force?: boolean;
  gitopsManager?: string[];
}

export interface ResizeFlags extends ActFlags {
  flavor: string;
  dryRun?: boolean;
}

/** Who the fields written belong to. */
const FIELD_MANAGER = 'kubectl-lb';

/** `kubectl lb resize`. Resolves to the exit code. */
export async function resizeCommand(io: Io, name: string, flags: ResizeFlags): Promise<number> {
  if (flags.dryRun && flags.wait) throw new UsageError('--dry-run changes nothing that --wait could wait for: leave one of them out');
  const { client, ref, options } = asked(io, name, flags);
  if (flags.dryRun) {
    const preview = await previewResize(client, ref, flags.flavor, options);
    const { loadBalancer: _, ...told } = preview;
    io.print(...(flags.output ? [formatted(told, flags.output)] : previewLines(preview, io.paint)));
    return codeOfPreview(preview);
  }
  const flavorId = await flavorIdOf(client, flags.flavor, io);
  const loadBalancer = await resize(client, ref, flavorId, options);
  return ended(io, client, loadBalancer, flags, 'Resize', `flavor ${flavorId} is asked for`);
}

/** The code that the resize itself would end with. */
function codeOfPreview({ refusals }: Preview): number {
  const [first] = refusals;
  if (!first) return EXIT_CODES.done.code;
  if (first.reason === 'FlavorNotFound') return EXIT_CODES.notFound.code;
  return (first.reason === 'OwnedByGitOps' ? EXIT_CODES.gitops : EXIT_CODES.refused).code;
}

/** `kubectl lb cancel`. */
export async function cancelCommand(io: Io, name: string, flags: ActFlags): Promise<number> {
  const { client, ref, options } = asked(io, name, flags);
  const loadBalancer = await cancel(client, ref, options);
  return ended(io, client, loadBalancer, flags, 'Resize', `goes back to flavor ${loadBalancer.spec.flavorId}`);
}

/** `kubectl lb retry`. */
export async function retryCommand(io: Io, name: string, flags: ActFlags): Promise<number> {
  const { client, ref, options } = asked(io, name, flags);
  return ended(io, client, await retry(client, ref, options), flags, 'Resize', 'is tried again');
}

/** `kubectl lb failover`. */
export async function failoverCommand(io: Io, name: string, flags: ActFlags): Promise<number> {
  const { client, ref, options } = asked(io, name, flags);
  return ended(io, client, await failover(client, ref, options), flags, 'Failover', 'a failover is asked for');
}

function asked(io: Io, name: string, flags: ActFlags) {
  const { client, namespace } = clusterOf(flags, io.env);
  const { force, gitopsManager: gitOpsManagers } = flags;
  const ref: ObjectRef = { name: nameOf(name), namespace };
  return { client, ref, options: { signal: io.signal, fieldManager: FIELD_MANAGER, force, gitOpsManagers } };
}

/** `web`, `lb/web` or `loadbalancer/web`, as kubectl takes them. */
export const nameOf = (text: string): string => text.replace(/^(?:lb|loadbalancers?(?:\.reflavor\.dev)?)\//, '');

/** Of a name or a uid. Who may not list flavors has to know the name. */
async function flavorIdOf(client: Client, flavor: string, { signal }: Io): Promise<string> {
  try {
    return (await findFlavor(client, flavor, { signal })).metadata.name;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return flavor;
    throw error;
  }
}

/** Says what was asked for and what comes next; with `--wait`, what came of it. */
async function ended(
  io: Io,
  client: Client,
  asked: LoadBalancer,
  flags: ActFlags,
  what: 'Resize' | 'Failover',
  words: string,
): Promise<number> {
  const { name, namespace } = asked.metadata;
  const quiet = flags.output !== undefined;
  if (!quiet) io.print(`${namespace}/${name}: ${words}`);
  if (!flags.wait) {
    if (flags.output) io.print(formatted(asked, flags.output));
    else io.print(`Follow it with: kubectl lb status ${name} --namespace ${namespace} --watch`);
    return EXIT_CODES.done.code;
  }
  const startedAt = performance.now();
  const options: WaitOptions = { signal: io.signal, timeoutSeconds: flags.timeout };
  const steps = (what === 'Resize' ? resizeProgress : failoverProgress)(client, asked, options);
  const done = quiet ? await lastOf(steps) : await showWait(steps, io);
  if (flags.output) io.print(formatted(done, flags.output));
  else io.print(doneLine(done, what, (performance.now() - startedAt) / 1000));
  return EXIT_CODES.done.code;
}

async function lastOf<T>(steps: AsyncGenerator<unknown, T>): Promise<T> {
  for (;;) {
    const { done, value } = await steps.next();
    if (done) return value as T;
  }
}
