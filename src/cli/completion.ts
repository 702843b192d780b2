import type { Command, Option } from 'commander';
import { Flavor, type Kind, LoadBalancer, type ObjectMeta } from '../sdk/index.ts';
import { type ClusterOptions, clusterOf, loadKubeConfig } from './cluster.ts';
import type { Io } from './io.ts';

/** kubectl runs the first `kubectl_complete-lb` of the PATH with the words so far (kubectl 1.26 and newer). */
export const completionScript = '#!/bin/sh\nexec kubectl-lb __complete "$@"\n';

/** cobra's "no file names" (ShellCompDirectiveNoFileComp) and "only file names" (the default). */
const NO_FILES = ':4';
const FILES = ':0';
/** How long the API server may take before nothing is offered; milliseconds. */
const PATIENCE_MS = 3000;

/** What could be asked of the cluster while completing. */
type Ask = (what: 'flavors' | 'loadBalancers' | 'namespaces' | 'contexts', options: ClusterOptions) => Promise<string[]>;

/**
 * What the last of the words may become, one a line as cobra has it: `word`, a tab, a description; then a directive.
 *
 * @param words what stands after `kubectl lb`; the last one is being typed, and may be empty
 */
export async function completions(program: Command, words: string[], ask: Ask): Promise<string[]> {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const command = program.commands.find((candidate) => candidate.name() === before.find((word) => !word.startsWith('-')));
  if (!command) {
    const named = program.commands.map((candidate) => [candidate.name(), candidate.description()]);
    return offered(typed.startsWith('-') ? flags(program.options) : named, typed);
  }
  const { given, open, positionals } = parsed(command, before);
  const [inline] = /^--[\w-]+=/.exec(typed) ?? [];
  const option = inline ? command.options.find(({ long }) => `${long}=` === inline) : open;
  if (option) {
    if (option.long === '--kubeconfig') return [FILES];
    const values = await valuesOf(option, given, ask);
    return offered(
      values.map((value) => [`${inline ?? ''}${value}`]),
      typed,
    );
  }
  if (typed.startsWith('-')) return offered(flags(command.options), typed);
  const expected = command.registeredArguments[positionals];
  return offered(expected ? (await ask('loadBalancers', given)).map((name) => [name]) : [], typed);
}

/** The options given so far, the one that waits for its value, and how many positional arguments there are. */
function parsed(command: Command, words: string[]) {
  const given: Record<string, string> = {};
  let open: Option | undefined;
  let positionals = -1; // the name of the command itself
  for (const word of words) {
    if (open) {
      given[open.attributeName()] = word;
      open = undefined;
      continue;
    }
    const [name, value] = word.split(/=(.*)/s);
    const option = command.options.find(({ long, short }) => long === name || short === name);
    if (!option) positionals += word.startsWith('-') ? 0 : 1;
    else if (value !== undefined) given[option.attributeName()] = value;
    else if (option.required) open = option;
  }
  return { given: given as ClusterOptions, open, positionals };
}

async function valuesOf(option: Option, given: ClusterOptions, ask: Ask): Promise<string[]> {
  if (option.argChoices) return option.argChoices;
  const kinds = { '--flavor': 'flavors', '--namespace': 'namespaces', '--context': 'contexts' } as const;
  const kind = kinds[option.long as keyof typeof kinds];
  return kind ? ask(kind, given) : [];
}

const flags = (options: readonly Option[]): string[][] => options.flatMap(({ long, description }) => (long ? [[long, description]] : []));

function offered(candidates: string[][], typed: string): string[] {
  return [...candidates.filter(([word]) => word!.startsWith(typed)).map((parts) => parts.filter(Boolean).join('\t')), NO_FILES];
}

class Namespace {
  static readonly resource = { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false };
  declare metadata: ObjectMeta;
}

/** Asks the cluster. Whatever goes wrong, nothing is offered: a shell that completes has no place for errors. */
export const askCluster =
  ({ env, signal }: Pick<Io, 'env' | 'signal'>): Ask =>
  async (what, options) => {
    try {
      if (what === 'contexts') {
        return loadKubeConfig({ kubeconfig: options.kubeconfig }, env)
          .getContexts()
          .map(({ name }) => name);
      }
      const { client, namespace } = clusterOf(options, env);
      const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
      const names = async (kind: Kind<{ metadata: ObjectMeta }>, within?: string) =>
        (await client.list(kind, { namespace: within, signal: patience })).map(({ metadata }) => metadata.name);
      if (what === 'flavors') return await names(Flavor);
      return what === 'namespaces' ? await names(Namespace) : await names(LoadBalancer, namespace);
    } catch {
      return [];
    }
  };
