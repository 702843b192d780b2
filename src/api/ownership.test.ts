import { describe, expect, test } from '@jest/globals';
import { flavorOwners } from './ownership.ts';

const entry = (manager: string, spec: object, subresource?: string) => ({
  manager,
  operation: 'Apply',
  ...(subresource && { subresource }),
  fieldsV1: { 'f:spec': spec },
});
const flavor = { 'f:flavorId': {} };

describe('flavorOwners', () => {
  test('names those of the list that own the flavor, each once and sorted', () => {
    const managedFields = [
      entry('kustomize-controller', flavor),
      entry('argocd-controller', { ...flavor, 'f:name': {} }),
      entry('argocd-controller', flavor),
    ];
    expect(flavorOwners({ name: 'web', managedFields })).toEqual(['argocd-controller', 'kustomize-controller']);
  });

  test('leaves out who owns other fields, a subresource, or is not on the list', () => {
    const managedFields = [
      entry('kustomize-controller', { 'f:listeners': {} }),
      entry('helm-controller', flavor, 'status'),
      entry('kubectl-client-side-apply', flavor),
      { manager: 'argocd-controller' },
    ];
    expect(flavorOwners({ name: 'web', managedFields })).toEqual([]);
    expect(flavorOwners({ name: 'web' })).toEqual([]);
  });

  test('takes a list of one’s own, with stars anywhere', () => {
    const managedFields = ['my-gitops', 'my-other-gitops', 'gitops'].map((manager) => entry(manager, flavor));
    expect(flavorOwners({ name: 'web', managedFields }, ['my-*gitops'])).toEqual(['my-gitops', 'my-other-gitops']);
    expect(flavorOwners({ name: 'web', managedFields }, ['*'])).toHaveLength(3);
    expect(flavorOwners({ name: 'web', managedFields }, ['git*', 'gi*o*ops'])).toEqual(['gitops']);
    expect(flavorOwners({ name: 'web', managedFields }, ['gitopsops*ops'])).toEqual([]);
  });
});
