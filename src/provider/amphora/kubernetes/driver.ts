import { type Amphora, isTrue } from '../../../api/index.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { isAlreadyExists, isForbidden, isInvalid, isNamespaceTerminating } from '../../../kube/errors.ts';
import { find } from '../../../kube/find.ts';
import { keyOf } from '../../../kube/paths.ts';
import type { Watch } from '../../../kube/watched.ts';
import type { Configuration } from '../configuration.ts';
import {
  ABSENT,
  type AmphoraDriver,
  type AmphoraObservation,
  ConfigurationRefused,
  DriverError,
  type ExistingAmphora,
  type LoadBalancerRef,
  type VipObservation,
  type VipRef,
} from '../driver.ts';
import { carriedOver, MasterControl } from '../haproxy/index.ts';
import { KeyedMutex } from '../mutex.ts';
import { containerOf, type Diagnosis, diagnose } from './diagnosis.ts';
import { type Dial, Identity } from './identity/index.ts';
import { AmphoraLoader, type Prepared, type Running } from './loader.ts';
import { ANNOTATIONS, LABELS, vipServiceName } from './names.ts';
import { type Pod, type Service, services } from './objects.ts';
import { placementOf } from './placement.ts';
import { type AmphoraImage, imageOf, PRE_STOP_SECONDS, podOf } from './pod.ts';
import { AmphoraPods, nameConflict } from './pods.ts';
import { AmphoraSecrets } from './secrets.ts';
import { stagedIn } from './staged.ts';
import { AmphoraSurroundings } from './surroundings.ts';
import { isReady } from './vip/slices.ts';
import { KubernetesVip } from './vip/vip.ts';
import { AmphoraWatch } from './watch.ts';

export interface KubernetesDriverOptions {
  client: KubeClient;
  watch: Watch;
  /** Where the operator's own pods are, and the labels by which they are known. */
  operator: { namespace: string; podLabels: Record<string, string> };
  image: AmphoraImage;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** How amphorae are reached by an operator outside the pod network; default: from here, by TCP. */
  dial?: Dial;
}

/** An answer takes milliseconds; one that takes longer than this will not come soon. */
const timeoutMs = 2_500;
/** How long one that is destroyed has to end by itself; seconds. */
const DESTROY_SECONDS = 1;
/**
 * How long one that has drained stays; seconds. A connection has ended for HAProxy once the kernel has taken the rest of the answer, which is sent to a slow
 * client for as long as the pod's network is there.
 */
const DRAINED_SECONDS = PRE_STOP_SECONDS;

/**
 * Amphorae that are pods of plain HAProxy without an agent, behind a Service. What a pod loads comes by its Secret; what is asked of it goes by mutual
 * TLS to its master. None of it needs the operator to go on serving.
 */
export class KubernetesDriver implements AmphoraDriver {
  readonly name = 'kubernetes';
  readonly #client: KubeClient;
  readonly #image: AmphoraImage;
  readonly #now: () => number;
  readonly #vip: KubernetesVip;
  readonly #identity: Identity;
  readonly #pods: AmphoraPods;
  readonly #secrets: AmphoraSecrets;
  readonly #loader: AmphoraLoader;
  readonly #watch: AmphoraWatch;
  readonly #mutex = new KeyedMutex();

  constructor({ client, watch, operator, image, now = Date.now, dial }: KubernetesDriverOptions) {
    this.#client = client;
    this.#image = image;
    this.#now = now;
    this.#identity = new Identity({ client, namespace: operator.namespace, now, dial });
    this.#pods = new AmphoraPods(client, watch);
    this.#vip = new KubernetesVip({ client, watch, pods: this.#pods, operator });
    this.#secrets = new AmphoraSecrets(client, now);
    const surroundings = new AmphoraSurroundings({ client, watch, identity: this.#identity, pods: this.#pods, now });
    this.#loader = new AmphoraLoader({ pods: this.#pods, secrets: this.#secrets, surroundings, now });
    this.#watch = new AmphoraWatch(now);
  }

  ensureVip(ref: VipRef, ports: number[], signal?: AbortSignal): Promise<VipObservation> {
    return this.#vip.ensure(ref, ports, signal);
  }

  observeVip(ref: VipRef, signal?: AbortSignal, options?: { mayLag?: boolean }): Promise<VipObservation | undefined> {
    return this.#vip.observe(ref, signal, options);
  }

  releaseVip(ref: VipRef, signal?: AbortSignal): Promise<void> {
    return this.#vip.release(ref, signal);
  }

  /**
   * Makes the Secret, then the pod. Whether HAProxy takes its first configuration is known once it has tried: another call tells then. One that
   * has run is left to its kubelet, which starts it again.
   */
  build(
    amphora: Amphora,
    configuration: Configuration,
    { serversState }: { serversState?: string } = {},
    signal?: AbortSignal,
  ): Promise<void> {
    return this.#exclusively(amphora, signal, async () => {
      const pod = await this.#pods.fresh(amphora, signal);
      const diagnosis = pod && (await this.#diagnose(amphora, pod, signal));
      if (diagnosis?.lost) throw new DriverError('AmphoraLost', diagnosis.problem?.message ?? 'It is gone beyond restart.');
      if (pod?.metadata.deletionTimestamp) throw new DriverError('DriverFailed', 'The pod that it had before is still ending.');
      if (diagnosis?.isStarted) return;
      const kept = await this.#secrets.get(amphora, signal);
      const refusal = diagnosis?.problem?.reason === 'ConfigurationRefused' ? diagnosis.problem.message : undefined;
      if (pod && kept?.loaded) {
        // One that had run is being started again by its kubelet; but not with what it refuses.
        if (refusal === undefined) return;
        await this.#loader.restore(amphora, pod, kept, pod, signal);
        throw new ConfigurationRefused(refusal);
      }

      const carried = serversState === undefined ? undefined : carriedOver(serversState);
      const next = await this.#loader.prepare(amphora, configuration, kept, carried, signal);
      const isTried = pod !== undefined && stagedIn(pod) === next.staged;
      if (isTried && refusal !== undefined) throw new ConfigurationRefused(refusal);
      if (isTried) return;
      await this.#secrets.put(amphora, { files: next.files, loaded: kept?.loaded, loading: configuration }, signal);
      if (pod && refusal === undefined) {
        await this.#loader.announce(pod, next.staged, signal);
        return;
      }
      // The kubelet would try again only after a while; a new pod tries at once.
      if (pod) await this.#pods.remove(pod, 0, signal);
      await this.#createPod(amphora, configuration, next, signal);
    });
  }

  configure(amphora: Amphora, configuration: Configuration, signal?: AbortSignal): Promise<void> {
    return this.#exclusively(amphora, signal, async () => {
      const running = await this.#running(amphora, signal);
      if (!running)
        throw new DriverError('DriverFailed', `${amphora.metadata.name} does not run, so that it can't be configured: build it first`);
      await this.#loader.load(amphora, running, configuration, signal);
    });
  }

  lastConfiguration(amphora: Amphora, signal?: AbortSignal): Promise<Configuration | undefined> {
    return this.#exclusively(amphora, signal, async () => {
      const running = await this.#running(amphora, signal);
      return (await this.#loader.settled(amphora, running, signal))?.loaded;
    });
  }

  async observe(amphora: Amphora, signal?: AbortSignal): Promise<AmphoraObservation> {
    signal?.throwIfAborted();
    const pod = await this.#pods.see(amphora, signal);
    if (!pod) return this.#observeWithoutPod(amphora, signal);
    const key = keyOf(amphora);
    const { isStarted, ...diagnosis } = await this.#diagnose(amphora, pod, signal);
    const running = isStarted ? this.#askable(amphora, pod) : undefined;
    const { workers = [], environmentDigest, ...loaded } = (running && (await this.#read(amphora, running, signal))) ?? {};
    const answers = workers.length > 0;
    const state = { ...loaded, environmentDigest };
    const renewalDue = answers && (await this.#loader.isRenewalDue(amphora, pod, state, signal));
    // A standby is ready only when it is needed; so is one that was promoted just now, until it has loaded that.
    const mayRun = isReady(pod) || pod.metadata.labels?.[LABELS.role] === 'BACKUP' || renewalDue;
    return {
      ...ABSENT,
      ...loaded,
      ...diagnosis,
      exists: true,
      running: answers && mayRun,
      problem: diagnosis.problem ?? (isStarted && !answers ? this.#watch.silence(key) : undefined),
      ...(renewalDue ? { renewalDue } : {}),
      address: pod.status?.podIP,
      startedAt: answers ? startOf(pod) : undefined,
      ...this.#vip.seen(pod),
      ...this.#watch.count(key, workers, isStarted),
    };
  }

  async serversState(amphora: Amphora, signal?: AbortSignal): Promise<string | undefined> {
    signal?.throwIfAborted();
    const running = await this.#running(amphora, signal);
    if (!running) return undefined;
    return running.control.worker('show servers state', signal).catch(() => {
      signal?.throwIfAborted();
      return undefined;
    });
  }

  /** One that was the standby learns here that it is it no longer. */
  attach(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    return this.#exclusively(amphora, signal, async () => {
      await this.#vip.attach(amphora, signal);
      const running = await this.#running(amphora, signal);
      if (!running) return;
      // What comes to it from now on has not been asked to end.
      if (running.pod.metadata.annotations?.[ANNOTATIONS.drainedTo] !== undefined)
        await this.#pods.annotate(running.pod, { [ANNOTATIONS.drainedTo]: null }, signal);
      const loaded = amphora.spec.role === 'MASTER' ? (await this.#loader.settled(amphora, running, signal))?.loaded : undefined;
      if (loaded?.role === 'BACKUP') await this.#loader.load(amphora, running, { ...loaded, role: 'MASTER' }, signal);
    });
  }

  detach(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    return this.#exclusively(amphora, signal, () => this.#vip.detach(amphora, signal));
  }

  drain(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    return this.#exclusively(amphora, signal, async () => {
      const running = await this.#running(amphora, signal);
      if (!running) return;
      const { pod, control } = running;
      await this.#requireDetached(amphora, pod, 'drained', signal);
      const nameOf = (pid: number | undefined) => `${containerOf(pod)?.restartCount}/${pid}`;
      const { workers } = await control.processes(signal);
      if (pod.metadata.annotations?.[ANNOTATIONS.drainedTo] === nameOf(workers.find(({ old }) => !old)?.pid)) return;
      const worker = await control.reload(signal).catch((error) => {
        // What an operator left there when it died: connections then end by themselves, or when their time is up.
        if (error instanceof ConfigurationRefused) return workers.find(({ old }) => !old)?.pid;
        throw error;
      });
      await this.#pods.annotate(pod, { [ANNOTATIONS.drainedTo]: nameOf(worker) }, signal);
    });
  }

  destroy(amphora: Amphora, signal?: AbortSignal): Promise<void> {
    return this.#exclusively(amphora, signal, async () => {
      const pod = await this.#pods.fresh(amphora, signal);
      if (pod) await this.#requireDetached(amphora, pod, 'destroyed', signal);
      await this.#vip.forget(amphora, signal);
      if (pod) await this.#removePod(amphora, pod, signal);
      await this.#secrets.remove(amphora, signal);
      this.#loader.forget(amphora);
      this.#watch.forget(keyOf(amphora));
    });
  }

  /** Those that have a pod: a Secret alone serves nobody, and goes with its Amphora. */
  async list(loadBalancer: LoadBalancerRef, signal?: AbortSignal): Promise<ExistingAmphora[]> {
    signal?.throwIfAborted();
    const existing = this.#pods.ofLoadBalancer(loadBalancer).map(async (pod) => {
      const isEnding =
        pod.metadata.deletionTimestamp !== undefined && this.#pods.isOurRemoval(pod) && (await this.#isOnLiveNode(pod, signal));
      return { name: pod.metadata.labels![LABELS.amphora]!, isEnding };
    });
    return (await Promise.all(existing)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  onChange(visit: Parameters<NonNullable<AmphoraDriver['onChange']>>[0]): void {
    this.#vip.onChange(visit);
    this.#pods.onChange(({ metadata: { namespace = '', labels = {} } }) => {
      const { [LABELS.amphora]: amphora, [LABELS.loadBalancer]: loadBalancer } = labels;
      if (amphora !== undefined) visit({ kind: 'Amphora', namespace, name: amphora });
      if (loadBalancer !== undefined) visit({ kind: 'LoadBalancer', namespace, name: loadBalancer });
    });
  }

  async #observeWithoutPod(amphora: Amphora, signal?: AbortSignal): Promise<AmphoraObservation> {
    if (!(await this.#secrets.get(amphora, signal))) return { ...ABSENT };
    const { status, metadata } = amphora;
    const hadPod = status?.startedAt !== undefined || isTrue(status?.conditions, 'Lost');
    if (!hadPod || metadata.deletionTimestamp !== undefined) return { ...ABSENT, exists: true };
    const problem = { reason: 'PodDeleted', message: 'Its pod was deleted by somebody else than the operator.' };
    return { ...ABSENT, exists: true, lost: true, problem };
  }

  async #read(amphora: Amphora, { control }: Running, signal?: AbortSignal) {
    const kept = await this.#secrets.get(amphora, signal);
    return this.#watch.read(keyOf(amphora), control, (kept?.loading ?? kept?.loaded)?.peers ?? [], signal);
  }

  async #createPod(amphora: Amphora, configuration: Configuration, { staged }: Prepared, signal?: AbortSignal): Promise<void> {
    const placement = placementOf(amphora, this.#pods.sistersOf(amphora), await this.#isLocal(amphora, signal));
    const { drainSeconds } = configuration;
    try {
      await this.#pods.create(podOf(amphora, { image: this.#image, staged, drainSeconds, placement }), signal);
    } catch (error) {
      if (isAlreadyExists(error)) throw nameConflict(`Pod ${amphora.metadata.name}`);
      if (isNamespaceTerminating(error) || !(isForbidden(error) || isInvalid(error))) throw error;
      const message = `The API server takes no pod for it: ${(error as Error).message}`;
      throw new DriverError(isForbidden(error) ? 'Unschedulable' : 'AmphoraBootFailed', message, { cause: error });
    }
  }

  async #isLocal({ metadata, spec }: Amphora, signal?: AbortSignal): Promise<boolean> {
    const ref = { namespace: metadata.namespace!, name: vipServiceName(spec.loadBalancer.name) };
    return (await find<Service>(this.#client, services, ref, signal))?.spec?.externalTrafficPolicy === 'Local';
  }

  /** On a node that is gone or silent nobody would end it, and its object would stay for ever. */
  async #removePod({ spec }: Amphora, pod: Pod, signal?: AbortSignal): Promise<void> {
    const seconds = spec.steering === 'Draining' && isReady(pod) ? DRAINED_SECONDS : DESTROY_SECONDS;
    const graceSeconds = (await this.#isOnLiveNode(pod, signal)) ? seconds : 0;
    if (graceSeconds > 0 && this.#pods.isOurRemoval(pod) && pod.metadata.deletionTimestamp) return;
    await this.#pods.remove(pod, graceSeconds, signal);
  }

  /** Whether somebody is there who ends it in the time that it is given. */
  async #isOnLiveNode(pod: Pod, signal?: AbortSignal): Promise<boolean> {
    const node = await this.#pods.nodeOf(pod, signal);
    return node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  }

  async #requireDetached(amphora: Amphora, pod: Pod, what: string, signal?: AbortSignal): Promise<void> {
    const { namespace, name } = amphora.metadata;
    const isSelected = pod.metadata.labels?.[LABELS.vip] !== undefined;
    const { attached } = await this.#vip.seenNow(amphora, signal);
    if (!attached && !(isSelected && (await this.#vip.observe({ namespace: namespace!, ...amphora.spec.loadBalancer }, signal)))) return;
    throw new DriverError('DriverFailed', `${name} is behind the VIP and can't be ${what}: detach it first`);
  }

  async #diagnose(amphora: Amphora, pod: Pod, signal?: AbortSignal): Promise<Diagnosis> {
    return diagnose({
      pod,
      node: await this.#pods.nodeOf(pod, signal),
      image: imageOf(amphora, this.#image),
      pullSecrets: this.#image.pullSecrets ?? [],
      tolerations: amphora.spec.flavorData.compute?.tolerations,
      isDraining: amphora.spec.steering === 'Draining',
      isOurs: this.#pods.isOurRemoval(pod) || amphora.metadata.deletionTimestamp !== undefined,
      now: this.#now(),
    });
  }

  /** The amphora while its HAProxy is started. */
  async #running(amphora: Amphora, signal?: AbortSignal): Promise<Running | undefined> {
    const pod = await this.#pods.see(amphora, signal);
    return pod && containerOf(pod)?.state?.running ? this.#askable(amphora, pod) : undefined;
  }

  #askable(amphora: Amphora, pod: Pod): Running | undefined {
    const address = pod.status?.podIP;
    if (address === undefined) return undefined;
    const { namespace, name } = amphora.metadata;
    return { pod, control: new MasterControl(this.#identity.connector(address, { namespace: namespace!, name }), { timeoutMs }) };
  }

  #exclusively<T>(amphora: Amphora, signal: AbortSignal | undefined, act: () => Promise<T>): Promise<T> {
    return this.#mutex.run(keyOf(amphora), async () => {
      signal?.throwIfAborted();
      return act();
    });
  }
}

const startOf = (pod: Pod): Date | undefined => {
  const startedAt = containerOf(pod)?.state?.running?.startedAt;
  return startedAt === undefined ? undefined : new Date(startedAt);
};
