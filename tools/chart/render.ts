/** The generated files of the chart, as text. */
import { stringify } from 'yaml';
import type { KindDefinition } from '../crd/kinds.ts';
import type { customResourceDefinition } from '../crd/manifest.ts';
import type { ValueSchema } from './values.ts';

const flow = (value: unknown) => JSON.stringify(value);

/** values.yaml: every value with its default, its meaning above it. */
export function valuesYaml(schema: ValueSchema, indent = ''): string {
  return Object.entries(schema.properties ?? {})
    .map(([name, value]) => {
      const comment = value.description ? `${wrapped(value.description, `${indent}# `)}\n` : '';
      if (value.properties) return `${comment}${indent}${name}:\n${valuesYaml(value, `${indent}  `)}`;
      const choices = value.enum ? ` # ${value.enum.join(', ')}` : '';
      return `${comment}${indent}${name}:${plain(value.default, indent)}${choices}\n`;
    })
    .join(indent === '' ? '\n' : '');
}

function wrapped(text: string, prefix: string, width = 120): string {
  const lines = [prefix.trimEnd()];
  for (const word of text.split(' ')) {
    const last = `${lines.at(-1)} ${word}`;
    if (last.length <= width) lines[lines.length - 1] = last;
    else lines.push(prefix + word);
  }
  return lines.join('\n');
}

function plain(value: unknown, indent: string): string {
  const nested = typeof value === 'object' && value !== null && Object.keys(value).length > 0 && !Array.isArray(value);
  return nested ? `\n${stringify(value).replace(/^(?=.)/gm, `${indent}  `)}`.trimEnd() : ` ${flow(value)}`;
}

/** Rows of a Markdown table: value, default, meaning. */
export function valuesTable(schema: ValueSchema, prefix = ''): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, value]) => {
    const path = `${prefix}${name}`;
    if (value.properties) return valuesTable(value, `${path}.`);
    const choices = value.enum ? `One of ${value.enum.map((choice) => `\`${choice}\``).join(', ')}.` : '';
    const meaning = [value.description, choices].filter(Boolean).join(' ').replaceAll('|', '\\|');
    return [`| \`${path}\` | \`${flow(value.default)}\` | ${meaning} |`];
  });
}

/** A CRD as a template: behind `crds.enabled`, and kept by an uninstall where `crds.keep`. */
export function crdTemplate(definition: ReturnType<typeof customResourceDefinition>): string {
  const { metadata, spec, ...head } = definition;
  const body = stringify({ spec }, { lineWidth: 0, aliasDuplicateObjects: false });
  if (body.includes('{{')) throw new Error(`${metadata.name}: "{{" would be read as a template`);
  return [
    '{{- if .Values.crds.enabled }}',
    stringify(head).trimEnd(),
    'metadata:',
    `  name: ${metadata.name}`,
    '  labels:',
    '    {{- include "reflavor.labels" . | nindent 4 }}',
    '  {{- if .Values.crds.keep }}',
    '  annotations:',
    '    helm.sh/resource-policy: keep',
    '  {{- end }}',
    body.trimEnd(),
    '{{- end }}',
    '',
  ].join('\n');
}

/** The admission policies as a template: behind `admissionPolicy.enabled`. */
export function admissionTemplate(policies: string): string {
  if (policies.includes('{{')) throw new Error('the admission policies: "{{" would be read as a template');
  const labelled = policies.replace(
    /^metadata:\n {2}name: .*$/gm,
    (lines) => `${lines}\n  labels:\n    {{- include "reflavor.labels" . | nindent 4 }}`,
  );
  return `{{- if .Values.admissionPolicy.enabled }}\n${labelled.trimEnd()}\n{{- end }}\n`;
}

/** Chart.yaml; the chart has the version of what it installs. */
export function chartYaml(
  pkg: { version: string; description: string; license: string },
  kinds: readonly KindDefinition[],
  version: string,
): string {
  const crds = kinds.map(({ kind, plural, description }) => ({
    kind,
    version,
    name: `${plural}.reflavor.dev`,
    displayName: kind,
    description,
  }));
  const examples = [
    {
      apiVersion: `reflavor.dev/${version}`,
      kind: 'FlavorProfile',
      metadata: { name: 'small' },
      spec: { flavorData: { maxConnections: 2000 } },
    },
    { apiVersion: `reflavor.dev/${version}`, kind: 'Flavor', metadata: { name: 'small' }, spec: { flavorProfile: 'small' } },
  ];
  return stringify(
    {
      apiVersion: 'v2',
      name: 'reflavor',
      type: 'application',
      description: pkg.description,
      version: pkg.version,
      appVersion: pkg.version,
      // ValidatingAdmissionPolicy is stable since 1.30, isCIDR and selectable fields of custom resources are there since 1.31.
      kubeVersion: '>=1.31.0-0',
      keywords: ['load-balancer', 'haproxy', 'octavia', 'operator'],
      annotations: {
        'artifacthub.io/category': 'networking',
        'artifacthub.io/license': pkg.license,
        'artifacthub.io/operator': 'true',
        'artifacthub.io/operatorCapabilities': 'Full Lifecycle',
        'artifacthub.io/images': stringify([
          { name: 'reflavor', image: `docker.io/reflavor/reflavor:${pkg.version}` },
          { name: 'amphora', image: 'docker.io/library/haproxy:3.0' },
        ]),
        'artifacthub.io/crds': stringify(crds, { lineWidth: 0 }),
        'artifacthub.io/crdsExamples': stringify(examples),
      },
    },
    { lineWidth: 0 },
  );
}

/** README.md of the chart. */
export function readme(schema: ValueSchema): string {
  return `# Reflavor

The operator that runs load balancers and resizes them live, with the kinds, policies and rights that it needs. Kubernetes 1.31 or newer.

\`\`\`
helm install reflavor charts/reflavor --namespace reflavor --create-namespace
kubectl apply -f examples/flavors.yaml -f examples/members.yaml -f examples/http.yaml
helm test reflavor --namespace reflavor
\`\`\`

## What an upgrade and an uninstall do

\`helm upgrade\` brings the kinds to the new version too; a resize under way goes on with the new operator. \`helm uninstall\` takes the operator
away and keeps the kinds, so that no load balancer is lost: their pods and Services belong to them, not to the release, and serve on. Installed again,
under the same name and namespace, the operator goes on with them. To remove everything, delete the load balancers while the
operator runs, uninstall, then delete the kinds: \`kubectl delete crd -l app.kubernetes.io/name=reflavor\`.

## Who may do what

- Whoever has \`edit\` or \`admin\` in a namespace may write its load balancers; \`view\` reads them and their amphorae. None of these roles may write a
  status or an Amphora, and an admission policy holds that up against roles with wildcards.
- The REST API (\`api.enabled\`) takes tokens of the cluster, and asks the API server what their owner may do: with load balancers and flavors, what RBAC says of these;
  to resize and to fail over, \`update\` of \`loadbalancers/resize\` and \`loadbalancers/failover\`, which \`edit\` and \`admin\` have. Named after Octavia's roles, and bound to nobody:
  \`<full name>-load-balancer-read\`, \`-load-balancer-write\` (create, resize) and \`-load-balancer-admin\` (failover, amphorae; bound in the whole cluster, flavors).
- The API's own service account may read and write load balancers, list amphorae, and write flavors; it reads no Secrets.
- Everybody may read flavors (\`rbac.flavorsForAll\`). The cluster role \`<full name>-flavor-admin\` is for those who may write flavors and their profiles.
- With the driver \`kubernetes\` the operator writes pods, Secrets, Services, EndpointSlices, NetworkPolicies and PodDisruptionBudgets in the namespaces that it
  looks after: those of its load balancers, which have its labels, and no others. With any other driver it reads Secrets, Services and EndpointSlices there.
- With \`operator.watchNamespaces\` all this is by a Role in each of these namespaces, which must exist; cluster-wide it may read flavors and nodes, and no more.
- The key of the authority by which amphorae know the operator is in the Secret \`reflavor-authority\` of the release's namespace: let nobody read Secrets there.

## Values

| value | default | meaning |
|---|---|---|
${valuesTable(schema).join('\n')}
`;
}
