import { describe, expect, test } from '@jest/globals';
import { customResourceDefinition } from '../../../tools/crd/manifest.ts';
import type { Schema } from '../../../tools/crd/structural.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { definitionOf, resourceOf, useClient } from './objects.ts';
import { ruleCases } from './rules.ts';

describe('the rules of a LoadBalancer', () => {
  const controlPlane = useControlPlane({ crds: true });
  const client = useClient(controlPlane);
  const resource = resourceOf('LoadBalancer');

  test.each(ruleCases)('$message', async ({ message, refused, accepted }) => {
    await expect(client.current.create(resource, refused, { dryRun: true })).rejects.toThrow(message);
    await client.current.create(resource, accepted, { dryRun: true, fieldValidation: 'Strict' });
  });

  test('have each a case here, but for those that compare with what was before', () => {
    const { schema } = customResourceDefinition(definitionOf('LoadBalancer')).spec.versions[0]!;
    const untested = rulesOf(schema.openAPIV3Schema)
      .filter(({ rule }) => !rule.includes('oldSelf'))
      .filter(({ message }) => !ruleCases.some((ruleCase) => message.startsWith(ruleCase.message)));
    expect(untested).toEqual([]);
  });
});

function rulesOf(schema: Schema): { rule: string; message: string }[] {
  const below = [schema.items, schema.additionalProperties, ...Object.values(schema.properties ?? {})].flatMap((child) =>
    child ? rulesOf(child) : [],
  );
  return [...((schema['x-kubernetes-validations'] as { rule: string; message: string }[] | undefined) ?? []), ...below];
}
