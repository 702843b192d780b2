import type { Amphora } from '../../../api/index.ts';
import { keyOf } from '../../../kube/paths.ts';
import type { Configuration } from '../configuration.ts';
import { ConfigurationRefused } from '../driver.ts';
import { applyMembers, carriedOver, type MasterControl, readLoaded, render } from '../haproxy/index.ts';
import { parseEnv } from '../haproxy/runtime.ts';
import { environmentDigest, environmentFor, surroundingsIn } from './environment.ts';
import { type Kept, NO_STATE, SERVERS_STATE_FILE } from './files.ts';
import { loadFiles } from './loading.ts';
import { ANNOTATIONS } from './names.ts';
import type { Pod } from './objects.ts';
import { CONFIG_FILE, FILES_DIR } from './pod.ts';
import type { AmphoraPods } from './pods.ts';
import type { AmphoraSecrets } from './secrets.ts';
import { isLoadedBy, isStagedOf, type LoadedState, nudged, stagedAs, stagedIn, stateOf } from './staged.ts';
import type { AmphoraSurroundings } from './surroundings.ts';

/** A pod whose HAProxy has been started, and the way to ask it. */
export interface Running {
  pod: Pod;
  control: MasterControl;
}

/** A configuration as a pod is to find it. */
export interface Prepared {
  files: Record<string, string>;
  /** As the pod's annotation says it. */
  staged: string;
  /** What HAProxy is to report as `ENVIRONMENT_DIGEST`. */
  environmentDigest: string;
}

/** How long after a refusal what was refused may still be what a reload finds. */
const refusalMs = 120_000;
/** How long after a refusal the same is refused without being tried. */
const refusedAgainMs = 60_000;

/** HAProxy's words with the files named as if they lay by themselves. */
export const withoutPaths = (words: string): string => words.replaceAll(`${FILES_DIR}/`, '');

/** Brings configurations into pods, and HAProxy to load them. The callers take care that no two acts on one amphora overlap. */
export class AmphoraLoader {
  readonly #pods: AmphoraPods;
  readonly #secrets: AmphoraSecrets;
  readonly #surroundings: AmphoraSurroundings;
  readonly #now: () => number;
  /** By key of the amphora: what it refused last, as its Secret had it, when, and in which words. */
  readonly #refused = new Map<string, { staged: string; at: number; words: string }>();

  constructor(parts: { pods: AmphoraPods; secrets: AmphoraSecrets; surroundings: AmphoraSurroundings; now: () => number }) {
    this.#pods = parts.pods;
    this.#secrets = parts.secrets;
    this.#surroundings = parts.surroundings;
    this.#now = parts.now;
  }

  /** Renders a configuration, with certificates that are good. `serversState`: unless given, that which is there stays. @throws DriverError IdentityBroken */
  async prepare(
    amphora: Amphora,
    configuration: Configuration,
    kept: Kept | undefined,
    serversState?: string,
    signal?: AbortSignal,
  ): Promise<Prepared> {
    const surroundings = await this.#surroundings.of(amphora, kept?.files, signal);
    const digest = environmentDigest(surroundings.digest, configuration);
    const { config, files: rendered } = render(configuration, environmentFor({ ...surroundings, digest }));
    const files = {
      ...rendered,
      ...surroundings.files,
      [CONFIG_FILE]: config,
      [SERVERS_STATE_FILE]: serversState ?? kept?.files[SERVERS_STATE_FILE] ?? NO_STATE,
    };
    return { files, staged: stagedAs(stateOf(configuration, digest), files), environmentDigest: digest };
  }

  /** What the Secret holds, a configuration that has been loaded meanwhile taken as such. */
  async settled(amphora: Amphora, running: Running | undefined, signal?: AbortSignal): Promise<Kept | undefined> {
    const kept = await this.#secrets.get(amphora, signal);
    if (!kept?.loading || !running) return kept;
    const env = parseEnv(await running.control.worker('show env', signal).catch(() => ''));
    const { configurationHash } = stateOf(kept.loading, '');
    if (env.get('CONFIG_HASH') !== configurationHash) return kept;
    const settled = { files: kept.files, loaded: kept.loading };
    await this.#secrets.put(amphora, settled, signal);
    return settled;
  }

  /** Tells the kubelet what the Secret holds, which has it look at once. */
  announce(pod: Pod, staged: string, signal?: AbortSignal): Promise<Pod> {
    if (stagedIn(pod) === staged) return Promise.resolve(pod);
    return this.#pods.annotate(pod, { [ANNOTATIONS.staged]: staged }, signal);
  }

  /**
   * Has the Secret hold what was loaded last, rendered anew: what an operator that died left there may be something else. Whatever loads next finds
   * what has been running all along. `before`: the pod as it was when it was read with `kept`.
   */
  async restore(amphora: Amphora, pod: Pod, kept: Kept, before: Pod, signal?: AbortSignal): Promise<void> {
    const { loaded } = kept;
    const { files, staged } = loaded
      ? await this.prepare(amphora, loaded, kept, undefined, signal)
      : { files: kept.files, staged: stagedIn(before) };
    await this.#secrets.put(amphora, { files, loaded }, signal);
    await this.announce(pod, staged, signal);
  }

  /** Whether the Secret has something else than what runs, or something else than it should have beside the configuration. */
  async isRenewalDue(amphora: Amphora, pod: Pod, state: LoadedState, signal?: AbortSignal): Promise<boolean> {
    const kept = await this.#secrets.get(amphora, signal);
    if (!kept || !isLoadedBy(state, stagedIn(pod)) || !isStagedOf(kept.files, stagedIn(pod))) return true;
    return surroundingsIn(state.environmentDigest) !== (await this.#surroundings.of(amphora, kept.files, signal)).digest;
  }

  /**
   * Brings a running amphora to a configuration: by the runtime API where only members differ, and into the Secret after; else by way of the Secret.
   * @throws ConfigurationRefused what was loaded goes on; DriverError
   */
  async load(amphora: Amphora, { pod, control }: Running, configuration: Configuration, signal?: AbortSignal): Promise<void> {
    const kept = (await this.settled(amphora, { pod, control }, signal)) ?? { files: {} };
    const next = await this.prepare(amphora, configuration, kept, undefined, signal);
    const refused = this.#refused.get(keyOf(amphora));
    // Asking again at once would only swap its workers, and keep the kubelet busy.
    if (refused?.staged === next.staged && this.#now() - refused.at < refusedAgainMs) throw new ConfigurationRefused(refused.words);
    const isDone = await control.session(
      async ({ worker }) => {
        const env = parseEnv(await worker('show env', signal));
        if (env.get('ENVIRONMENT_DIGEST') !== next.environmentDigest) return false;
        return (await applyMembers(worker, configuration, signal)).reloadNeeded === undefined;
      },
      { signal },
    );
    if (!isDone) return this.#reload(amphora, { pod, control }, configuration, kept, signal);
    await this.#secrets.put(amphora, { files: next.files, loaded: configuration }, signal);
    await this.announce(pod, next.staged, signal);
  }

  async #reload(amphora: Amphora, { pod: before, control }: Running, configuration: Configuration, kept: Kept, signal?: AbortSignal) {
    const serversState = carriedOver(await control.worker('show servers state', signal));
    const next = await this.prepare(amphora, configuration, kept, serversState, signal);
    await this.#secrets.put(amphora, { files: next.files, loaded: kept.loaded, loading: configuration }, signal);
    let pod = await this.announce(before, next.staged, signal);
    const refusedMs = this.#now() - (this.#refused.get(keyOf(amphora))?.at ?? Number.NEGATIVE_INFINITY);
    try {
      await loadFiles({
        control,
        isLoaded: async () => isLoadedBy(await control.session((master) => readLoaded(master.worker, []), { signal }), next.staged),
        nudge: async (times) => {
          pod = await this.#pods.annotate(pod, { [ANNOTATIONS.staged]: nudged(next.staged, times) }, signal);
        },
        tookOld: async () => {
          const { loaded } = kept;
          if (loaded) await control.session((master) => applyMembers(master.worker, loaded, signal), { signal });
        },
        doubtRefusal: refusedMs < refusalMs,
        signal,
      });
    } catch (error) {
      if (!(error instanceof ConfigurationRefused)) throw error;
      const words = withoutPaths(error.message);
      this.#refused.set(keyOf(amphora), { staged: next.staged, at: this.#now(), words });
      await this.restore(amphora, pod, kept, before, signal);
      throw new ConfigurationRefused(words, { cause: error });
    }
    await this.#secrets.put(amphora, { files: next.files, loaded: configuration }, signal);
  }

  /** It is gone. */
  forget(amphora: Amphora): void {
    this.#refused.delete(keyOf(amphora));
    this.#surroundings.forget(amphora);
  }
}
