/** docs/sdk.md: the SDK's reference, from what tsc declares of it. */

interface Declaration {
  name: string;
  comment: string;
  code: string;
}

/** In the order of the page. What a file exports beside these is not the SDK's. */
const SECTIONS: [title: string, file: string][] = [
  ['Acts', 'acts.d.ts'],
  ['Waits', 'wait.d.ts'],
  ['Progress', 'progress.d.ts'],
  ['Dry run', 'preview.d.ts'],
  ['Clients', 'kubeconfig.d.ts'],
  ['Clients', 'fluent.d.ts'],
  ['Clients', 'client.d.ts'],
  ['Errors', 'errors.d.ts'],
  ['Kinds', 'kinds.d.ts'],
  ['Types of the kinds', 'types.d.ts'],
];

/** @param declarations the declaration files of src/sdk by name, `index.d.ts` among them */
export function sdkPage(declarations: ReadonlyMap<string, string>): string {
  const index = declarations.get('index.d.ts')!;
  const exported = (file: string, name: string) => {
    const clause = new RegExp(`export (?:type )?(\\*|\\{[^}]*\\}) from '\\./${file.replace('.d.ts', '')}\\.ts'`).exec(index)?.[1];
    return clause === '*' || new RegExp(`\\b${name}\\b`).test(clause ?? '');
  };
  const forgotten = [...declarations.keys()].filter((file) => file !== 'index.d.ts' && !SECTIONS.some(([, known]) => known === file));
  if (forgotten.length > 0) throw new Error(`the page of the SDK has no section for ${forgotten.join(', ')}`);
  const sections = new Map<string, string[]>();
  for (const [title, file] of SECTIONS) {
    const entries = declarationsIn(declarations.get(file)!).filter(({ name }) => exported(file, name));
    if (entries.length === 0) throw new Error(`${file} declares nothing that index.ts exports`);
    sections.set(title, [...(sections.get(title) ?? []), ...entries.map(entry)]);
  }
  const body = [...sections].map(([title, entries]) => `## ${title}\n\n${entries.join('\n')}`).join('\n');
  return `${INTRODUCTION}\n${body}`;
}

/** tsc writes one statement after the other, each beginning and ending at the start of a line. */
function declarationsIn(text: string): Declaration[] {
  const statements = text.matchAll(
    /(?:^\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?^(export (?:declare )?(?:function|class|interface|type|const) (\w+)[\s\S]*?)(?=^(?:\/\*\*|export|declare|import)|$(?![\s\S]))/gm,
  );
  return [...statements].map(([, comment = '', code, name]) => ({ name: name!, comment, code: code!.trim() }));
}

function entry({ name, comment, code }: Declaration): string {
  const text = comment
    .split('\n')
    .map((line) => line.replace(/^ ?\*? ?/, ''))
    .join('\n')
    .replaceAll(LINK, '`$1`')
    .trim();
  const [about, ...tags] = text.split(/^@/m).map((part) => part.trim());
  const list = tags.map((tag) => {
    const [, kind, rest] = /^(\w+)\s+([\s\S]*)$/.exec(tag) as RegExpExecArray & [string, string, string];
    return `- ${kind === 'param' ? rest!.replace(/^([\w.]+)/, '`$1`:') : `${WORDS[kind!] ?? kind} ${rest}`}`.replaceAll('\n', ' ');
  });
  const shown = code
    .replace(/^export (?:declare )?/, '')
    .replaceAll('    ', '  ')
    .replaceAll(LINK, '`$1`');
  return [
    `### ${name}\n`,
    ...(about ? [`${about}\n`] : []),
    ...(list.length > 0 ? [`${list.join('\n')}\n`] : []),
    `\`\`\`ts\n${shown}\n\`\`\`\n`,
  ].join('\n');
}

const LINK = /\{@link (\w+)\}/g;
const WORDS: Record<string, string> = { returns: 'Returns', throws: 'Throws' };

const INTRODUCTION = `# SDK

Resize load balancers from a TypeScript or JavaScript program, and follow what comes of it. The package \`reflavor\` (\`make package\` builds it into
\`dist/package/\`) depends on nothing; it takes the credentials of [@kubernetes/client-node](https://www.npmjs.com/package/@kubernetes/client-node), of any version from 1.0 on, or
works by way of [kubernetes-fluent-client](https://www.npmjs.com/package/kubernetes-fluent-client). Node 20.12 or newer.

\`\`\`ts
import { KubeConfig } from '@kubernetes/client-node';
import { Failed, fromKubeConfig, resize, resizeProgress } from 'reflavor';

const kubeConfig = new KubeConfig();
kubeConfig.loadFromDefault();
const client = fromKubeConfig(kubeConfig);

const loadBalancer = await resize(client, { namespace: 'shop', name: 'web' }, 'large');
try {
  for await (const { goal, message, connectionsLeft } of resizeProgress(client, loadBalancer, { timeoutSeconds: 600 })) {
    console.log(goal, message, connectionsLeft);
  }
} catch (error) {
  if (!(error instanceof Failed)) throw error;
  console.error(error.reason, error.message); // the old flavor is in force and serves
}
\`\`\`

With kubernetes-fluent-client, the kinds are its models:

\`\`\`ts
import * as kfc from 'kubernetes-fluent-client';
import { cancel, fromFluentClient, LoadBalancer } from 'reflavor';

const client = fromFluentClient(kfc); // registers the kinds, too
const web = await kfc.K8s(LoadBalancer).InNamespace('shop').Get('web');
await cancel(client, web);
\`\`\`

With client-node's own \`KubernetesObjectApi\`, they are its type arguments: \`api.read<LoadBalancer>({ apiVersion: 'reflavor.dev/v1alpha1', kind: 'LoadBalancer', metadata })\`.

Every function takes an \`AbortSignal\`; once that has aborted it rejects with the signal's reason, and what was asked for goes on. What can end badly has an error class of its
own, each with a \`reason\` for programs.
`;
