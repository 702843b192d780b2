import { describe, expect, test } from '@jest/globals';
import { Refused } from './errors.ts';
import { Flavor, LoadBalancer } from './kinds.ts';
import { preview } from './preview.ts';
import type { FlavorSpec, FlavorStatus, LoadBalancerSpec, LoadBalancerStatus, Operation } from './types.ts';

const web = (spec: LoadBalancerSpec = {}, status: Partial<LoadBalancerStatus> = {}) => {
  const object = new LoadBalancer({ metadata: { name: 'web', generation: 1 }, spec: { flavorId: 'small', provider: 'amphora', ...spec } });
  object.status = { observedGeneration: 1, flavorId: 'small', topology: 'SINGLE', ...status };
  return object;
};
const flavor = (spec: Partial<FlavorSpec> = {}, status: FlavorStatus = { provider: 'amphora', loadbalancerTopology: 'SINGLE' }) => {
  const object = new Flavor({ metadata: { name: 'large' }, spec: { flavorProfile: 'large', ...spec } });
  object.status = status;
  return object;
};
const facts = { loadBalancer: web(), flavorId: 'large', flavor: flavor(), owners: [], force: false };
const reasons = (remarks: { reason: string }[]) => remarks.map(({ reason }) => reason);
const running: Operation = { number: 3, kind: 'Resize', to: 'medium', progress: '5/8', startedAt: '2026-01-01T00:00:00Z' };

describe('a preview says what would happen', () => {
  test.each([
    ['Resize', facts],
    ['Nothing', { ...facts, flavorId: 'small' }],
    ['Cancel', { ...facts, flavorId: 'small', loadBalancer: web({ flavorId: 'medium' }, { operation: running }) }],
    ['Supersede', { ...facts, loadBalancer: web({ flavorId: 'medium' }, { operation: running }) }],
    [
      'Retry',
      {
        ...facts,
        loadBalancer: web(
          { flavorId: 'large' },
          { failedFlavorId: 'large', operation: { ...running, to: 'large', result: 'Failed', finishedAt: '2026-01-01T00:01:00Z' } },
        ),
      },
    ],
    ['Retry', { ...facts, loadBalancer: web({ flavorId: 'large' }, { operation: { ...running, to: 'large', result: 'Failed' } }) }],
  ] as const)('%s', (act, given) => expect(preview(given as Parameters<typeof preview>[0])).toMatchObject({ act, refusals: [] }));
});

describe('a preview says why it would be refused', () => {
  test.each([
    ['FlavorDisabled', flavor({ enabled: false })],
    ['ProviderMismatch', flavor({}, { provider: 'octavia' })],
    ['TopologyChange', flavor({}, { loadbalancerTopology: 'ACTIVE_STANDBY' })],
  ])('%s, and that only once where admission says so too', (reason, given) => {
    const admission = new Refused('Forbidden', 'flavor "large" is not for you');
    expect(reasons(preview({ ...facts, flavor: given }).refusals)).toEqual([reason]);
    expect(reasons(preview({ ...facts, flavor: given, admission }).refusals)).toEqual([reason]);
  });

  test('by an admission policy of somebody else’s', () => {
    const admission = new Refused('Forbidden', 'resizes wait until Monday');
    expect(preview({ ...facts, admission }).refusals).toEqual([{ reason: 'Forbidden', message: 'Resizes wait until Monday' }]);
  });

  test('by who owns the flavor in Git; forced, that is a warning', () => {
    const owners = ['kustomize-controller'];
    expect(preview({ ...facts, owners }).refusals[0]).toMatchObject({
      reason: 'OwnedByGitOps',
      message: 'Load balancer web: flavorId is written from Git by kustomize-controller: change it there.',
    });
    const forced = preview({ ...facts, owners, force: true });
    expect(forced.refusals).toEqual([]);
    expect(reasons(forced.warnings)).toEqual(['OwnedByGitOps']);
  });

  test('but never the way back to the flavor in force, whatever became of it', () => {
    const loadBalancer = web({ flavorId: 'medium' }, { operation: running });
    const back = new Flavor({ metadata: { name: 'small' }, spec: { flavorProfile: 'small', enabled: false } });
    expect(preview({ ...facts, loadBalancer, flavorId: 'small', flavor: back })).toMatchObject({ act: 'Cancel', refusals: [] });
  });
});

test('a preview warns of what else is good to know', () => {
  const loadBalancer = web({ flavorId: 'medium', suspend: true }, { operation: running });
  const { warnings } = preview({ ...facts, loadBalancer, flavor: undefined, image: '2.6', imageInForce: '3.0' });
  expect(reasons(warnings)).toEqual(['Suspended', 'Supersedes', 'OlderImage', 'FlavorUnknown']);
  expect(warnings[1]?.message).toBe('Operation 3 (Resize to medium, 5/8) runs: it is taken back first.');
});
