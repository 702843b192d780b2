import { EXIT_CODES } from '../../src/cli/exit-codes.ts';
import { plain } from '../../src/cli/io.ts';
import { createProgram } from '../../src/cli/program.ts';

/** docs/kubectl-lb.md: how to install the plugin, and the help of each of its commands as it prints it. */
export function kubectlPage(): string {
  let help = '';
  const io = {
    env: {},
    isTerminal: false,
    columns: 100,
    paint: plain,
    signal: new AbortController().signal,
    print: () => {},
    write: (text: string) => {
      help += text;
    },
    complain: () => {},
  };
  const program = createProgram(io, () => {});
  const helpOf = (command: typeof program): string => {
    help = '';
    command.outputHelp();
    return help.trim();
  };
  const codes = Object.values(EXIT_CODES).map(({ code, meaning }) => `| ${code} | ${meaning} |`);
  const commands = program.commands.map((command) => `## kubectl lb ${command.name()}\n\n\`\`\`\n${helpOf(command)}\n\`\`\`\n`);
  return `# kubectl lb

A plugin for kubectl that resizes load balancers, shows how far it is, and takes it back. \`kubectl\` runs it as soon as a program \`kubectl-lb\` is in the PATH.

## Install it

It is one file and needs Node 20.12 or newer, nothing else. \`make package\` builds it into \`dist/package/\`; then either copy it to
where the PATH has it,

\`\`\`sh
mkdir -p ~/.local/bin
cp dist/package/kubectl-lb dist/package/kubectl_complete-lb ~/.local/bin/
\`\`\`

or install the npm package that the folder is: \`npm install --global ./dist/package\`. \`kubectl_complete-lb\` is for the completion of the shell, which kubectl's
own completion (\`kubectl completion --help\`) asks it for.

The chart's role \`reflavor-view\` is enough for what only reads; \`reflavor-edit\` beside it, for the rest (both are part of Kubernetes' own \`view\` and \`edit\`). Flavors that a
user may not list are taken by name alone.

## What a script may rely on

With \`-o json\` or \`-o yaml\` a command prints one object, and nothing else, to standard output; complaints go to standard error. Colours and moving lines are for
terminals alone; \`NO_COLOR\` takes the colours away there too. The exit code says how it ended:

| code | meaning |
| --- | --- |
${codes.join('\n')}

\`\`\`sh
kubectl lb resize --flavor large web --wait --timeout 10m
case $? in
  0) echo "large is in force" ;;
  3) echo "refused: nothing was touched" ;;
  4) echo "failed: what was in force serves on" ;;
  7) echo "still under way" ;;
esac
\`\`\`

## kubectl lb

\`\`\`
${helpOf(program)}
\`\`\`

${commands.join('\n')}`;
}
