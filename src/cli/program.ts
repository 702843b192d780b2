import { Command, Option } from 'commander';
import { cancelCommand, failoverCommand, resizeCommand, retryCommand } from './commands/act.ts';
import { flavorsCommand, historyCommand, listCommand, statusCommand } from './commands/read.ts';
import { completionScript } from './completion.ts';
import { secondsOf } from './durations.ts';
import { EXIT_CODES } from './exit-codes.ts';
import type { Io } from './io.ts';

/** What comes after the options in a command's help: examples, and what to do next. */
const after = (examples: string[], next: string): string => `
Examples:
${examples.map((example) => `  ${example}`).join('\n')}

Next:
  ${next.replaceAll('\n', '\n  ')}
`;

/**
 * The command line of `kubectl lb`.
 *
 * @param io what its commands speak to; their help alone needs none
 * @param end told of the exit code of the command that was run
 */
export function createProgram(io: Io, end: (code: number) => void): Command {
  const run =
    <A extends unknown[]>(command: (io: Io, ...args: A) => Promise<number>) =>
    async (...args: A) =>
      end(await command(io, ...args));
  const program = new Command('kubectl lb')
    .description('Resize load balancers live, and see how they are.')
    .version(process.env.REFLAVOR_VERSION ?? 'from source', '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .configureHelp({ helpWidth: 100, sortSubcommands: false })
    .showHelpAfterError('(add --help for what there is)')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.write(text), writeErr: (text) => io.complain(text.trimEnd()) })
    .addHelpText('after', `\n${exitCodes()}\nNext:\n  kubectl lb list, then kubectl lb status NAME. Each command has its own --help.`);

  cluster(program.command('resize'))
    .description('Ask for another flavor: new amphorae take over from the old ones, and no request fails.')
    .argument('<lb>', 'the load balancer')
    .requiredOption('--flavor <id|name>', 'the flavor: its name, or the uid of the Flavor object')
    .option('--dry-run', 'say what would happen and why it might be refused; change nothing')
    .addOption(force())
    .addOption(gitOpsManager())
    .addOption(wait())
    .addOption(timeout())
    .addOption(output())
    .addHelpText(
      'after',
      after(
        [
          'kubectl lb resize --flavor large web --dry-run',
          'kubectl lb resize --flavor large web --wait',
          'kubectl lb resize --flavor large web --wait --timeout 10m -o json',
        ],
        'kubectl lb status web --watch   follows it\nkubectl lb cancel web           takes it back, at any goal before the last\nkubectl lb retry web            tries again what failed',
      ),
    )
    .action((name, flags) => run(resizeCommand)(name, flags));

  cluster(program.command('cancel'))
    .description('Take a resize back: the flavor in force, which serves all the while, stays.')
    .argument('<lb>', 'the load balancer')
    .addOption(force())
    .addOption(gitOpsManager())
    .addOption(wait())
    .addOption(timeout())
    .addOption(output())
    .addHelpText(
      'after',
      after(['kubectl lb cancel web --wait'], 'kubectl lb status web   shows that the old amphorae alone have the traffic'),
    )
    .action((name, flags) => run(cancelCommand)(name, flags));

  cluster(program.command('retry'))
    .description('Try again what failed, or was refused.')
    .argument('<lb>', 'the load balancer')
    .addOption(wait())
    .addOption(timeout())
    .addOption(output())
    .addHelpText(
      'after',
      after(
        ['kubectl lb retry web --wait'],
        'kubectl lb history web   shows what came of each try\nkubectl lb cancel web    gives it up: the flavor in force stays',
      ),
    )
    .action((name, flags) => run(retryCommand)(name, flags));

  cluster(program.command('failover'))
    .description('Put new amphorae of the same flavor in the place of those that there are.')
    .argument('<lb>', 'the load balancer')
    .addOption(wait())
    .addOption(timeout())
    .addOption(output())
    .addHelpText('after', after(['kubectl lb failover web --wait'], 'kubectl lb status web --watch   follows it'))
    .action((name, flags) => run(failoverCommand)(name, flags));

  cluster(program.command('status'))
    .description('Show a load balancer as a tree: its operation with every goal, listeners, pools, members, amphorae.')
    .argument('[lb]', 'the load balancer; all of the namespace where none is named')
    .addOption(allNamespaces())
    .option('-w, --watch', 'go on showing it until interrupted')
    .addOption(output())
    .addHelpText(
      'after',
      after(
        ['kubectl lb status web', 'kubectl lb status web --watch'],
        'kubectl describe lb web   has the Events too; docs/conditions.md what each reason means',
      ),
    )
    .action((name, flags) => run(statusCommand)(name, flags));

  cluster(program.command('list'))
    .description('List load balancers.')
    .addOption(allNamespaces())
    .addOption(output())
    .addHelpText('after', after(['kubectl lb list -A'], 'kubectl lb status NAME   shows one of them'))
    .action((flags) => run(listCommand)(flags));

  cluster(program.command('flavors'), false)
    .description('List the flavors that there are.')
    .addOption(output())
    .addHelpText(
      'after',
      after(['kubectl lb flavors'], 'kubectl lb resize --flavor NAME web --dry-run   says whether a load balancer may enter one'),
    )
    .action((flags) => run(flavorsCommand)(flags));

  cluster(program.command('history'))
    .description('List the operations that the status remembers: creates, resizes, failovers, and what came of them.')
    .argument('[lb]', 'the load balancer; all of the namespace where none is named')
    .addOption(allNamespaces())
    .addOption(output())
    .addHelpText('after', after(['kubectl lb history web'], 'kubectl lb retry web   tries again what failed last'))
    .action((name, flags) => run(historyCommand)(name, flags));

  program
    .command('completion')
    .description('Print the program by which kubectl completes `kubectl lb`.')
    .helpOption('-h, --help', 'print help')
    .addHelpText(
      'after',
      after(
        [
          'kubectl lb completion > kubectl_complete-lb && chmod +x kubectl_complete-lb && mv kubectl_complete-lb /usr/local/bin/',
          'source <(kubectl completion bash)',
        ],
        'kubectl lb res<TAB>. The npm package brings kubectl_complete-lb along.',
      ),
    )
    .action(() => io.write(completionScript));
  return program;
}

function exitCodes(): string {
  const lines = Object.values(EXIT_CODES).map(({ code, meaning }) => `  ${String(code).padEnd(5)}${meaning}`);
  return `Exit codes:\n${lines.join('\n')}\n`;
}

/** The flags by which kubectl's users choose a cluster; settings of a program are not inherited by all commands, these are. */
function cluster(command: Command, namespaced = true): Command {
  command.helpOption('-h, --help', 'print help');
  if (namespaced) command.option('-n, --namespace <name>', 'the namespace; that of the context where none is given');
  return command
    .option('--context <name>', 'the context of the kubeconfig; its current one where none is given')
    .option('--kubeconfig <file>', 'the kubeconfig; KUBECONFIG or ~/.kube/config where none is given');
}

const wait = () => new Option('--wait', 'wait for its end, and show every goal, with its time and the connections left');
const timeout = () =>
  new Option('--timeout <duration>', 'how long to wait: 90s, 5m, 1h30m; for ever where none is given')
    .argParser(secondsOf)
    .implies({ wait: true });
const output = () => new Option('-o, --output <format>', 'print the object, or what is listed').choices(['json', 'yaml']);
const allNamespaces = () => new Option('-A, --all-namespaces', 'look in all namespaces');
const force = () => new Option('--force', 'also where flavorId is written from Git; it holds until it is written back');
const gitOpsManager = () =>
  new Option(
    '--gitops-manager <name>',
    'a field manager that writes from Git, * for anything; may be repeated. Those of Argo CD and Flux where none is given',
  ).argParser((name: string, before: string[] = []) => [...before, name]);
