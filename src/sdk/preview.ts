import { flavorRefusal } from '../api/acceptance.ts';
import { olderImage } from '../api/image-tag.ts';
import type { LoadBalancer as ParsedLoadBalancer } from '../api/loadbalancer.ts';
import { type ActOptions, findFlavor, gitOpsOwnersOf, resize } from './acts.ts';
import type { Client } from './client.ts';
import { ApiError, NotFound, OwnedByGitOps, type ReflavorError, Refused } from './errors.ts';
import { Amphora, type Flavor, FlavorProfile, type LoadBalancer, type ObjectRef } from './kinds.ts';
import { failedTry, runningOperation } from './outcome.ts';
import { read } from './versions.ts';

/** A word for programs, a sentence for people. */
export interface Remark {
  reason: string;
  message: string;
}

/** What a resize would do. */
export interface Preview {
  loadBalancer: LoadBalancer;
  act: 'Nothing' | 'Resize' | 'Cancel' | 'Supersede' | 'Retry';
  /** The flavor in force. */
  from?: string;
  to: string;
  /** Why it would be refused; nothing would be touched. */
  refusals: Remark[];
  /** What is good to know before. */
  warnings: Remark[];
}

/** What a preview rests on. */
interface Facts {
  loadBalancer: LoadBalancer;
  flavorId: string;
  /** Unknown where the user may not read it. */
  flavor?: Flavor;
  /** Image tags: of the flavor asked for, of an amphora in force. */
  image?: string;
  imageInForce?: string;
  /** Who writes the flavor back from Git. */
  owners: string[];
  force: boolean;
  /** What going through admission came to. */
  admission?: Refused;
}

/**
 * Says what {@link resize} would do and why it might be refused, also by admission, which is asked by a server-side dry run. Changes nothing.
 *
 * @param flavor name or uid of the flavor
 * @throws NotFound for the load balancer; ApiError
 */
export async function previewResize(
  client: Client,
  target: ObjectRef | LoadBalancer,
  flavor: string,
  options: ActOptions = {},
): Promise<Preview> {
  const { signal, force = false, gitOpsManagers } = options;
  const loadBalancer = await read(client, 'metadata' in target ? target.metadata : target, { signal });
  const facts: Facts = { loadBalancer, flavorId: flavor, owners: gitOpsOwnersOf(loadBalancer, gitOpsManagers), force };
  try {
    facts.flavor = await findFlavor(client, flavor, { signal });
    facts.flavorId = facts.flavor.metadata.name;
  } catch (error) {
    if (error instanceof NotFound) return { ...preview(facts), refusals: [remark(error)] };
    unlessForbidden(error);
  }
  facts.image = facts.flavor && (await imageOf(client, facts.flavor, signal));
  facts.imageInForce = await imageInForce(client, loadBalancer, signal);
  facts.admission = await resize(client, loadBalancer, facts.flavorId, { ...options, force: true, dryRun: true }).then(
    () => undefined,
    (error) => {
      if (error instanceof Refused) return error;
      throw error;
    },
  );
  return preview(facts);
}

/** The preview that follows from the facts. */
export function preview(facts: Facts): Preview {
  const { loadBalancer, flavorId: to, flavor, owners, force, admission } = facts;
  const { spec, status } = loadBalancer;
  const from = status?.flavorId;
  const act = actOf(loadBalancer, to);
  const enters = act === 'Resize' || act === 'Supersede' || act === 'Retry';
  const refusals: Remark[] = [];
  const warnings: Remark[] = [];

  if (owners.length > 0 && spec.flavorId !== to) {
    const owned = remark(new OwnedByGitOps(loadBalancer, owners));
    if (force) warnings.push({ ...owned, message: `${owned.message} Forced, it holds until they write it back.` });
    else refusals.push(owned);
  }
  const offered = flavor && { id: to, enabled: flavor.spec.enabled !== false, ...flavor.status };
  const refusal = enters && offered ? flavorRefusal(loadBalancer as ParsedLoadBalancer, offered) : undefined;
  if (refusal) refusals.push(refusal);
  // It says the same in other words where both know the flavor.
  else if (admission) refusals.push(remark(admission));

  if (act !== 'Nothing' && spec.suspend) {
    warnings.push({ reason: 'Suspended', message: 'spec.suspend is true: nothing happens until it is false.' });
  }
  const running = runningOperation(loadBalancer);
  if (act === 'Supersede' && running) {
    const what = `Operation ${running.number} (${running.kind} to ${running.to}, ${running.progress})`;
    warnings.push({ reason: 'Supersedes', message: `${what} runs: it is taken back first.` });
  }
  const older = enters ? olderImage(to, facts.image, facts.imageInForce) : undefined;
  if (older) warnings.push({ reason: 'OlderImage', message: older });
  if (!flavor) warnings.push({ reason: 'FlavorUnknown', message: `You may not read flavors: nothing is known of ${to}.` });
  return { loadBalancer, act, from, to, refusals, warnings };
}

function actOf(loadBalancer: LoadBalancer, to: string): Preview['act'] {
  const { spec, status } = loadBalancer;
  const running = runningOperation(loadBalancer);
  if (to === spec.flavorId) return failedTry(loadBalancer, to) ? 'Retry' : 'Nothing';
  if (to === status?.flavorId) return spec.flavorId === undefined ? 'Nothing' : 'Cancel';
  return running && running.kind !== 'Failover' ? 'Supersede' : 'Resize';
}

const remark = ({ reason, message }: ReflavorError): Remark => ({ reason, message: message.charAt(0).toUpperCase() + message.slice(1) });

/** Image tags are told to those alone who may read them. */
async function imageOf(client: Client, { spec }: Flavor, signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    return (await client.get(FlavorProfile, { name: spec.flavorProfile }, { signal })).spec.flavorData?.ampImageTag;
  } catch (error) {
    return unlessForbidden(error);
  }
}

async function imageInForce(
  client: Client,
  { metadata, status }: LoadBalancer,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const amphorae = await client.list(Amphora, { namespace: metadata.namespace, signal });
    const own = amphorae.filter(({ spec }) => spec.loadBalancer.uid === metadata.uid && spec.flavorId === status?.flavorId);
    // Where the flavor names no image, its HAProxy's version stands for the tag.
    return own[0]?.spec.flavorData.ampImageTag ?? own[0]?.status?.haproxyVersion;
  } catch (error) {
    return unlessForbidden(error);
  }
}

/** What may not be read, or is not there, is not known. */
function unlessForbidden(error: unknown): undefined {
  if (!(error instanceof ApiError && (error.status === 403 || error.status === 404))) throw error;
}
