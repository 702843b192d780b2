import { describe, expect, test } from '@jest/globals';
import { diagnose, type Sight } from './diagnosis.ts';
import type { ContainerStatus, Node, Pod } from './objects.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');

/** A pod that runs well on node1; what is given is merged into its status. */
const buildPod = (status: Pod['status'] = {}, metadata: Partial<Pod['metadata']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-amp-1', namespace: 'shop', uid: 'uid', ...metadata },
  spec: { nodeName: 'node1' },
  status: {
    phase: 'Running',
    podIP: '10.0.1.7',
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [buildContainer({ state: { running: { startedAt: '2026-11-23T09:00:00Z' } } })],
    ...status,
  },
});

const buildContainer = (status: Partial<ContainerStatus>): ContainerStatus => ({
  name: 'haproxy',
  ready: false,
  restartCount: 0,
  ...status,
});

const waiting = (reason: string, message: string, lastState?: ContainerStatus['lastState'], restartCount = 1): Pod =>
  buildPod({
    phase: 'Pending',
    containerStatuses: [buildContainer({ state: { waiting: { reason, message } }, lastState, restartCount })],
  });

const crashed = (message: string, { reason = 'Error', exitCode = 1, backOff = '10s' } = {}): Pod =>
  waiting('CrashLoopBackOff', `back-off ${backOff} restarting failed container=haproxy pod=web-amp-1_shop(uid)`, {
    terminated: { exitCode, reason, message },
  });

const buildNode = ({
  spec,
  ready = 'True',
  since = '2026-11-23T08:00:00Z',
}: {
  spec?: Node['spec'];
  ready?: string;
  since?: string;
} = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node1' },
  spec,
  status: {
    conditions: [{ type: 'Ready', status: ready as 'True', message: 'Kubelet stopped posting node status.', lastTransitionTime: since }],
  },
});

const look = (sight: Partial<Sight> = {}) =>
  diagnose({
    pod: buildPod(),
    node: buildNode(),
    image: 'haproxy:3.0',
    pullSecrets: [],
    tolerations: undefined,
    isDraining: false,
    isOurs: false,
    now: NOW,
    ...sight,
  });

test('a pod that runs on a good node has no problem', () => {
  expect(look()).toEqual({ lost: false, disruption: undefined, isStarted: true });
});

test('a node that is not known yet is no reason for anything', () => {
  expect(look({ node: undefined })).toMatchObject({ lost: false, isStarted: true });
});

describe('one that does not run', () => {
  test('and that no node has room for says so in the words of the scheduler', () => {
    const message =
      '0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.';
    const conditions = [{ type: 'PodScheduled', status: 'False' as const, reason: 'Unschedulable', message }];
    const seen = look({ pod: buildPod({ phase: 'Pending', conditions, containerStatuses: undefined }), node: undefined });
    expect(seen).toMatchObject({ lost: false, isStarted: false, problem: { reason: 'Unschedulable' } });
    expect(seen.problem?.message).toContain('2 Insufficient cpu');
  });

  test('is starting while its image is pulled', () => {
    const pod = buildPod({
      phase: 'Pending',
      containerStatuses: [buildContainer({ state: { waiting: { reason: 'ContainerCreating' } } })],
    });
    expect(look({ pod })).toEqual({ lost: false, problem: undefined, disruption: undefined, isStarted: false });
  });

  test.each([
    ['ErrImagePull', 'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/haproxy:9": not found'],
    ['ImagePullBackOff', 'Back-off pulling image "haproxy:9": ErrImagePull: pull access denied, repository does not exist'],
    ['InvalidImageName', 'Failed to apply default image tag "UPPER": couldn\'t parse image name'],
    ['ErrImageNeverPull', 'Container image "haproxy:9" is not present with pull policy of Never'],
  ])('has an image that is not to be had: %s', (reason, message) => {
    const { problem, lost } = look({ pod: waiting(reason, message), image: 'haproxy:9' });
    expect(problem?.reason).toBe('ImageNotFound');
    expect(problem?.message).toContain('haproxy:9');
    expect(problem?.message).toContain('ampImageTag');
    expect(lost).toBe(false);
  });

  test('may not be given its image: it is said which Secrets were to open the registry, or that none was', () => {
    const words =
      'failed to pull and unpack image "registry.example/haproxy:3.0": failed to authorize: failed to fetch anonymous token: 401 Unauthorized';
    const said = (...pullSecrets: string[]) => look({ pod: waiting('ErrImagePull', words), pullSecrets }).problem?.message;
    expect(said('one')).toContain('It is pulled with the Secret one of namespace shop: see that it is there and right for this registry.');
    expect(said('one', 'two')).toContain('the Secrets one, two of namespace shop: see that they are there');
    expect(said()).toContain('have an admin name a Secret with them (amphora.image.pullSecrets of the chart)');
    expect(look({ pod: waiting('ErrImagePull', 'haproxy:9: not found'), pullSecrets: ['one'] }).problem?.message).not.toContain('Secret');
  });

  test('may have its image yet when the registry was only out of reach', () => {
    const message = 'failed to pull image: dial tcp: lookup registry.example: i/o timeout';
    expect(look({ pod: waiting('ErrImagePull', message) }).problem?.reason).toBe('ImagePullFailed');
  });

  test('tells why its container could not be made', () => {
    const { problem } = look({ pod: waiting('CreateContainerConfigError', 'secret "web-amp-1" not found') });
    expect(problem).toMatchObject({ reason: 'ContainerNotStarted', message: expect.stringContaining('secret "web-amp-1" not found') });
  });

  test('and refused its configuration says HAProxy’s alert, and where the file lies to nobody', () => {
    const message = [
      '[NOTICE]   (1) : haproxy version is 3.0.11',
      "[ALERT]    (1) : config : parsing [/etc/haproxy-amphora/haproxy.cfg:41] : error detected while parsing ACL 'l7': regex '([' is invalid.",
      '[ALERT]    (1) : config : Fatal errors found in configuration.',
    ].join('\n');
    const seen = look({ pod: crashed(message, { backOff: '5m0s' }) });
    expect(seen).toMatchObject({ lost: false, problem: { reason: 'ConfigurationRefused' } });
    expect(seen.problem?.message).toMatch(/^parsing \[haproxy.cfg:41\] : error detected .*regex '\(\[' is invalid\.$/);
  });

  test('and could not bind a port did not boot', () => {
    const message =
      '[ALERT]    (1) : Binding [/etc/haproxy-amphora/haproxy.cfg:20] for frontend web: cannot bind socket (Permission denied)';
    expect(look({ pod: crashed(message) }).problem).toMatchObject({
      reason: 'AmphoraBootFailed',
      message: expect.stringContaining('cannot bind socket (Permission denied)'),
    });
  });

  test('and was short of memory says what to do about that', () => {
    const { problem, lost } = look({ pod: crashed('', { reason: 'OOMKilled', exitCode: 137 }) });
    expect(problem).toMatchObject({ reason: 'OOMKilled', message: expect.stringContaining('more memory') });
    expect(lost).toBe(false);
  });

  test('and ended without a word is started again', () => {
    expect(look({ pod: crashed('', { exitCode: 139 }) })).toMatchObject({ lost: false, problem: { reason: 'CrashLoop' } });
  });

  test.each([
    ['20s', false],
    ['40s', true],
    ['1m20s', true],
    ['5m0s', true],
  ])('and ends again and again, so that it waits for %s, is lost: %s', (backOff, lost) => {
    expect(look({ pod: crashed('', { exitCode: 139, backOff }) }).lost).toBe(lost);
  });
});

describe('one that is lost', () => {
  test('was evicted by its kubelet', () => {
    const pod = buildPod({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' });
    expect(look({ pod })).toMatchObject({
      lost: true,
      isStarted: false,
      problem: { reason: 'Evicted', message: expect.stringContaining('low on resource') },
    });
  });

  test('met a node without room after all', () => {
    const pod = buildPod({ phase: 'Failed', reason: 'OutOfcpu', message: 'Node didn’t have enough resource: cpu' });
    expect(look({ pod })).toMatchObject({ lost: true, problem: { reason: 'Unschedulable' } });
  });

  test('is deleted by somebody else', () => {
    const pod = buildPod({}, { deletionTimestamp: '2026-11-23T09:59:00Z' });
    expect(look({ pod })).toMatchObject({ lost: true, problem: { reason: 'PodDeleted' } });
  });

  test('is deleted while it drains: its connections have the time of its pod, unless its node is lost', () => {
    const pod = buildPod(
      { phase: 'Running', containerStatuses: [{ name: 'haproxy', ready: true, restartCount: 0, state: { running: {} } }] },
      { deletionTimestamp: '2026-11-23T09:59:00Z' },
    );
    expect(look({ pod, isDraining: true })).toMatchObject({ lost: false, isStarted: true, problem: { reason: 'PodDeleted' } });
    expect(look({ pod, isDraining: true, node: null })).toMatchObject({ lost: true });
  });

  test('is taken away through the eviction API', () => {
    const conditions = [
      { type: 'DisruptionTarget', status: 'True' as const, reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' },
    ];
    const pod = buildPod({ conditions }, { deletionTimestamp: '2026-11-23T09:59:00Z' });
    expect(look({ pod })).toMatchObject({
      lost: true,
      problem: { reason: 'Evicted', message: expect.stringContaining('EvictionByEvictionAPI') },
    });
  });

  test('is not one that the driver itself deletes', () => {
    const pod = buildPod({}, { deletionTimestamp: '2026-11-23T09:59:00Z' });
    expect(look({ pod, isOurs: true }).lost).toBe(false);
  });

  test('had a node that is gone', () => {
    expect(look({ node: null })).toMatchObject({ lost: true, problem: { reason: 'NodeGone', message: expect.stringContaining('node1') } });
  });

  test('has a node that is silent', () => {
    const node = buildNode({ ready: 'Unknown', since: '2026-11-23T09:59:59Z' });
    expect(look({ node })).toMatchObject({
      lost: true,
      isStarted: false,
      problem: { reason: 'NodeNotReady', message: expect.stringContaining('Kubelet stopped posting') },
    });
  });

  test('has a node that says for long that it is not ready, and not one whose kubelet is being started anew', () => {
    expect(look({ node: buildNode({ ready: 'False', since: '2026-11-23T09:59:00Z' }) }).lost).toBe(true);
    expect(look({ node: buildNode({ ready: 'False', since: '2026-11-23T09:59:50Z' }) }).lost).toBe(false);
  });
});

describe('one that is soon to be taken away', () => {
  const cordoned = buildNode({
    spec: { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] },
  });

  test('stands on a node that is cordoned', () => {
    expect(look({ node: cordoned })).toMatchObject({
      lost: false,
      isStarted: true,
      disruption: { reason: 'NodeDraining', message: expect.stringContaining('node1 is cordoned') },
    });
  });

  test.each(['ToBeDeletedByClusterAutoscaler', 'karpenter.sh/disrupted'])('stands on a node with the taint %s', (key) => {
    expect(look({ node: buildNode({ spec: { taints: [{ key, effect: 'NoSchedule' }] } }) }).disruption?.message).toContain(key);
  });

  test('stands on a node from which pods are driven', () => {
    const node = buildNode({ spec: { taints: [{ key: 'maintenance', effect: 'NoExecute' }] } });
    expect(look({ node }).disruption?.reason).toBe('NodeDraining');
    expect(look({ node, tolerations: [{ key: 'maintenance', operator: 'Exists' }] }).disruption).toBeUndefined();
  });

  test('is not one whose flavor lets it be there', () => {
    expect(look({ node: cordoned, tolerations: [{ operator: 'Exists' }] }).disruption).toBeUndefined();
  });

  test('is not one on a node that only takes no more pods of a kind, or is not ready for a moment', () => {
    const taints = [
      { key: 'dedicated', effect: 'NoSchedule' },
      { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' },
    ];
    expect(look({ node: buildNode({ spec: { taints } }) }).disruption).toBeUndefined();
  });
});
