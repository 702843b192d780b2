import { describe, expect, test } from '@jest/globals';
import { buildAmphora } from '../../../../test/contract/builders.ts';
import { LABELS } from './names.ts';
import { podOf } from './pod.ts';

const image = { repository: 'docker.io/library/haproxy', tag: '3.0' };
const options = { image, staged: 'x' };

/** As much of a pod as the tests look at; its fields are written and never read. */
interface Spec {
  containers: { image: string; resources: object; securityContext: object; command: string[] }[];
  securityContext: Record<string, unknown>;
  nodeSelector: object;
  tolerations?: object[];
  terminationGracePeriodSeconds: number;
}
const specOf = (...args: Parameters<typeof podOf>) => podOf(...args).spec as unknown as Spec;
const containerOf = (...args: Parameters<typeof podOf>) => specOf(...args).containers[0]!;

test('it is found by its labels, and not behind the VIP yet', () => {
  const { metadata } = podOf(buildAmphora({ name: 'web-amp-1', role: 'MASTER' }), options);
  expect(metadata).toMatchObject({ name: 'web-amp-1', namespace: 'shop', annotations: { 'reflavor.dev/staged': 'x' } });
  expect(metadata.labels).toMatchObject({ [LABELS.role]: 'MASTER', [LABELS.operation]: '1', [LABELS.loadBalancer]: 'web' });
  expect(metadata.labels).not.toHaveProperty(LABELS.vip);
});

describe('a flavor', () => {
  const amphora = (flavorData: Parameters<typeof buildAmphora>[0]['flavorData']) => buildAmphora({ name: 'web-amp-1', flavorData });

  test('gives it as much cpu and memory as it says, no less and no more', () => {
    const compute = { cpu: '500m', memory: '128Mi' };
    expect(containerOf(amphora({ compute }), options).resources).toEqual({ requests: compute, limits: compute });
  });

  test('that says nothing of them asks for little and denies nothing', () => {
    expect(containerOf(amphora({}), options).resources).toEqual({ requests: { cpu: '50m', memory: '64Mi' }, limits: {} });
  });

  test('chooses its image tag', () => {
    expect(containerOf(amphora({}), options).image).toBe('docker.io/library/haproxy:3.0');
    expect(containerOf(amphora({ ampImageTag: '3.2' }), options).image).toBe('docker.io/library/haproxy:3.2');
  });

  test('has it pulled by the Secrets that the operator is told of', () => {
    expect(podOf(amphora({}), options).spec).not.toHaveProperty('imagePullSecrets');
    const pulled = podOf(amphora({}), { ...options, image: { ...image, pullSecrets: ['one', 'two'] } });
    expect(pulled.spec.imagePullSecrets).toEqual([{ name: 'one' }, { name: 'two' }]);
  });

  test('chooses its nodes', () => {
    const tolerations = [{ key: 'edge', operator: 'Exists' as const }];
    const spec = specOf(amphora({ compute: { nodeSelector: { zone: 'a' }, tolerations } }), options);
    expect(spec.nodeSelector).toEqual({ 'kubernetes.io/os': 'linux', zone: 'a' });
    expect(spec.tolerations).toEqual(tolerations);
  });
});

test('its connections have as long to end as the load balancer gives them', () => {
  const graceOf = (drainSeconds?: number) =>
    specOf(buildAmphora({ name: 'web-amp-1' }), { ...options, drainSeconds }).terminationGracePeriodSeconds;
  expect(graceOf(60)).toBe(80);
  expect(graceOf()).toBe(320);
});

test('it may do nothing but listen on low ports', () => {
  const amphora = buildAmphora({ name: 'web-amp-1' });
  expect(podOf(amphora, options).spec).toMatchObject({
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    restartPolicy: 'Always',
  });
  expect(specOf(amphora, options).securityContext).toMatchObject({
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
    sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
  });
  expect(containerOf(amphora, options).securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
});
