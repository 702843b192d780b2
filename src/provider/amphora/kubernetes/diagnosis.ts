import type { Amphora } from '../../../api/index.ts';
import type { AmphoraObservation } from '../driver.ts';
import { alertsOf } from '../haproxy/index.ts';
import type { ContainerStatus, Node, Pod } from './objects.ts';
import { CONTAINER, FILES_DIR } from './pod.ts';

/** What is known of an amphora's pod and where it runs. */
export interface Sight {
  pod: Pod;
  /** The node that it runs on; null when that is gone, undefined when none is known. */
  node: Node | null | undefined;
  /** The image that it is to run. */
  image: string;
  /** Names of the Secrets by which that is pulled. */
  pullSecrets: readonly string[];
  tolerations: NonNullable<Amphora['spec']['flavorData']['compute']>['tolerations'];
  /** It is steered to Draining: its connections have been asked to end. */
  isDraining: boolean;
  /** Its deletion is the driver's own. */
  isOurs: boolean;
  /** Milliseconds since the epoch. */
  now: number;
}

/** What follows from it. */
export type Diagnosis = Pick<AmphoraObservation, 'lost' | 'problem' | 'disruption'> & {
  /** Its container runs: HAProxy has been started, whether it answers or not. */
  isStarted: boolean;
};

/** A node that says itself that it isn't ready may be so again in a moment, as when its kubelet is started anew. One that is silent has been so for long already. */
const UNREADY_NODE_MS = 30_000;
/** A back-off of the kubelet as long as this follows four ends within a minute or so: another start is no help. Seconds. */
const HOPELESS_BACK_OFF = 40;

/** Taints by which those who scale clusters say that a node is soon to go; they don't cordon it. */
const GOING_NODE_TAINTS = new Set(['ToBeDeletedByClusterAutoscaler', 'karpenter.sh/disrupted']);
const CORDON_TAINT = 'node.kubernetes.io/unschedulable';
/** Taints of a node that isn't ready, on which more is said elsewhere. */
const UNREADY_TAINTS = new Set(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']);

/** What is known of its one container. */
export const containerOf = ({ status }: Pod): ContainerStatus | undefined =>
  status?.containerStatuses?.find(({ name }) => name === CONTAINER);

/** Judges a pod by its conditions, the states of its container, and its node. The words are Kubernetes' and HAProxy's own where they have any. */
export function diagnose(sight: Sight): Diagnosis {
  const { pod, isOurs } = sight;
  const container = containerOf(pod);
  const isStarted = container?.state?.running !== undefined;
  if (pod.metadata.deletionTimestamp !== undefined && isOurs) return { lost: false, isStarted };
  const removed = removal(pod);
  // It ends its connections as it was asked to, now with the time that its pod has for that.
  if (removed && sight.isDraining && isStarted && !nodeLoss(sight)) return { lost: false, problem: removed, isStarted };
  const loss = removed ?? ended(pod) ?? nodeLoss(sight);
  if (loss) return { lost: true, problem: loss, isStarted: false };
  if (isStarted) return { lost: false, disruption: disruptionOf(sight), isStarted };
  const problem = unscheduled(pod) ?? (container && notRunning(container, sight));
  return { lost: container !== undefined && isHopeless(container, problem?.reason), problem, disruption: disruptionOf(sight), isStarted };
}

type Problem = NonNullable<AmphoraObservation['problem']>;

/** Deleted by somebody else: why, tells the condition that whoever disrupts a pod sets on it (Kubernetes, "Pod disruption conditions"). */
function removal({ metadata, status }: Pod): Problem | undefined {
  if (metadata.deletionTimestamp === undefined) return undefined;
  const cause = status?.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
  if (!cause) return { reason: 'PodDeleted', message: 'Its pod is being deleted by somebody else than the operator.' };
  return { reason: 'Evicted', message: `Its pod is taken away (${cause.reason}): ${cause.message || 'no more is said of it'}` };
}

/** Ended for good: what is restarted always ends only by the kubelet's own decision. */
function ended({ status }: Pod): Problem | undefined {
  if (status?.phase !== 'Failed' && status?.phase !== 'Succeeded') return undefined;
  const words = [status.reason, status.message].filter(Boolean).join(': ');
  const message = `Its pod has ended for good${words === '' ? '' : `: ${words}`}`;
  if (status.reason === 'Evicted') return { reason: 'Evicted', message };
  // The kubelet's second look found no room where the scheduler's had.
  if (/^(OutOf|NodeAffinity)/.test(status.reason ?? '')) return { reason: 'Unschedulable', message };
  return { reason: 'AmphoraLost', message };
}

function nodeLoss({ pod, node, now }: Sight): Problem | undefined {
  const name = pod.spec.nodeName;
  if (name === undefined || node === undefined) return undefined;
  if (node === null) return { reason: 'NodeGone', message: `Node ${name}, where it ran, is gone from the cluster.` };
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
  if (!ready || ready.status === 'True') return undefined;
  const since = ready.lastTransitionTime;
  if (ready.status === 'False' && now - Date.parse(since ?? '') < UNREADY_NODE_MS) return undefined;
  return {
    reason: 'NodeNotReady',
    message: `Node ${name}, where it runs, has not been ready since ${since}: ${ready.message || ready.reason || 'no more is said of it'}`,
  };
}

function unscheduled({ status }: Pod): Problem | undefined {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  const words = scheduled.message || scheduled.reason || 'the scheduler says no more';
  return {
    reason: 'Unschedulable',
    message: `No node has room for its pod: ${words.replace(/\.?$/, '.')} Make room, or use a flavor that asks for less or for other nodes.`,
  };
}

function notRunning({ state, lastState, restartCount }: ContainerStatus, sight: Sight): Problem | undefined {
  const terminated = state?.terminated ?? lastState?.terminated;
  const { reason = '', message = '' } = state?.waiting ?? {};
  if (reason !== 'CrashLoopBackOff' && reason !== '' && reason !== 'ContainerCreating' && reason !== 'PodInitializing') {
    return (
      imageProblem(reason, message, sight) ?? {
        reason: 'ContainerNotStarted',
        message: `Its container can't be started (${reason}): ${message}`,
      }
    );
  }
  return terminated && endOfHaproxy(terminated, restartCount);
}

/** Why the image can't be had: whether anybody must do something about it tell the words of the registry. */
function imageProblem(reason: string, message: string, { image, pullSecrets, pod }: Sight): Problem | undefined {
  const remedy = ['Push it there, or use a flavor whose ampImageTag is to be had.', ...credentialsRemedy(message, pullSecrets, pod)].join(
    ' ',
  );
  if (reason === 'InvalidImageName') return { reason: 'ImageNotFound', message: `${image} is no name of an image: ${message} ${remedy}` };
  if (!['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'RegistryUnavailable', 'ImageInspectError'].includes(reason))
    return undefined;
  const isAbsent =
    reason === 'ErrImageNeverPull' || /not ?found|manifest unknown|does not exist|denied|unauthorized|forbidden/i.test(message);
  if (!isAbsent) return { reason: 'ImagePullFailed', message: `${image} can't be pulled yet, and is tried again (${reason}): ${message}` };
  return { reason: 'ImageNotFound', message: `${image} can't be pulled (${reason}): ${message.replace(/\.?$/, '.')} ${remedy}` };
}

/** Registries say alike of what is not there and of what isn't for everybody. That a Secret is missing the kubelet tells in an Event of the pod alone. */
function credentialsRemedy(message: string, pullSecrets: readonly string[], { metadata }: Pod): string[] {
  if (!/denied|forbidden|authoriz|credential|\b40[13]\b/i.test(message)) return [];
  if (pullSecrets.length === 0)
    return ['If its registry asks for credentials, have an admin name a Secret with them (amphora.image.pullSecrets of the chart).'];
  const [one, are] = pullSecrets.length === 1 ? ['Secret', 'it is'] : ['Secrets', 'they are'];
  return [
    `It is pulled with the ${one} ${pullSecrets.join(', ')} of namespace ${metadata.namespace}: see that ${are} there and right for this registry.`,
  ];
}

/** Why HAProxy ended, from what it said last (`terminationMessagePolicy`). */
function endOfHaproxy(
  { reason, exitCode, message = '' }: NonNullable<ContainerStatus['state']>['terminated'] & object,
  restarts: number,
): Problem {
  const again = 'it is started again';
  if (reason === 'OOMKilled') {
    const times = restarts > 1 ? ` (${restarts} starts so far)` : '';
    return {
      reason: 'OOMKilled',
      message: `HAProxy needed more memory than its flavor has and was ended by the kernel${times}; ${again}. Use a flavor with more memory, or with fewer maxConnections.`,
    };
  }
  const alerts = alertsOf(message).replaceAll(`${FILES_DIR}/`, '');
  if (isRefusal(message)) return { reason: 'ConfigurationRefused', message: alerts };
  if (alerts !== '') return { reason: 'AmphoraBootFailed', message: `HAProxy ended: ${alerts}` };
  const words = message.trim().split('\n').slice(-3).join('\n');
  return {
    reason: 'CrashLoop',
    message: `HAProxy ended with ${exitCode} (${reason ?? 'no reason'}), ${again}${words === '' ? '.' : `: ${words}`}`,
  };
}

/** Whether HAProxy found fault with its configuration. */
const isRefusal = (words: string): boolean => /^\[ALERT\].* config : /m.test(words);

function isHopeless({ state }: ContainerStatus, reason: string | undefined): boolean {
  if (state?.waiting?.reason !== 'CrashLoopBackOff' || reason === 'ConfigurationRefused') return false;
  const [, minutes = '0', seconds = '0'] = /back-off (?:(\d+)m)?(?:(\d+)s)? /.exec(state.waiting.message ?? '') ?? [];
  return Number(minutes) * 60 + Number(seconds) >= HOPELESS_BACK_OFF;
}

/** That its node is to go, or that what runs there is. What the amphora tolerates doesn't drive it away. */
function disruptionOf({ node, tolerations = [], pod }: Sight): AmphoraObservation['disruption'] {
  const taints = node?.spec?.taints ?? [];
  const cordon = node?.spec?.unschedulable ? [{ key: CORDON_TAINT, effect: 'NoSchedule' }] : [];
  const driving = [...cordon, ...taints].find(
    ({ key, effect }) =>
      (key === CORDON_TAINT || GOING_NODE_TAINTS.has(key) || (effect === 'NoExecute' && !UNREADY_TAINTS.has(key))) &&
      !tolerations.some((toleration) => tolerates(toleration, key, effect)),
  );
  if (!driving) return undefined;
  const why = driving.key === CORDON_TAINT ? 'is cordoned' : `has the taint ${driving.key}`;
  return { reason: 'NodeDraining', message: `Node ${pod.spec.nodeName} ${why}: the amphora is replaced by one on another node.` };
}

/** As the scheduler has it, but that a toleration's value isn't compared: taints that drive away have none, or any. */
function tolerates({ key, effect }: NonNullable<Sight['tolerations']>[number], taint: string, taintEffect: string): boolean {
  return (key === undefined || key === taint) && (effect === undefined || effect === taintEffect);
}
