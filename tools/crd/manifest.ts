import { GROUP, VERSION } from '../../src/api/meta.ts';
import type { KindDefinition } from './kinds.ts';
import { type Schema, structuralSchema } from './structural.ts';

/** The CustomResourceDefinition (apiextensions.k8s.io/v1) of a kind, as plain data. */
export function customResourceDefinition(definition: KindDefinition) {
  const { kind, plural, shortNames, categories, scope, columns, selectable, status } = definition;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), ...(shortNames && { shortNames }), categories },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          ...(status && { subresources: { status: {} } }),
          additionalPrinterColumns: columns.map(({ wide, ...column }) => ({ ...column, ...(wide && { priority: 1 }) })),
          ...(selectable && { selectableFields: selectable.map((jsonPath) => ({ jsonPath })) }),
          schema: { openAPIV3Schema: objectSchema(definition) },
        },
      ],
    },
  };
}

function objectSchema({ description, spec, status, statusDefault, rules }: KindDefinition): Schema {
  return {
    description,
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: structuralSchema(spec),
      ...(status && { status: { ...structuralSchema(status), ...(statusDefault && { default: statusDefault }) } }),
    },
    ...(rules && { 'x-kubernetes-validations': rules }),
  };
}
