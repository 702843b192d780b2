/** What each condition of a kind says, in the order in which it is written. */
const CONDITIONS: Record<string, Record<string, string>> = {
  LoadBalancer: {
    Ready: 'It is what its spec asks for. False: the message says what is being done, or what you can do.',
    Available:
      'At least one amphora takes the traffic of the VIP, whatever else goes on. Unknown: the operator gets no answer, of the VIP or of an amphora that new connections reach.',
    Resizing: 'A resize is running. False: the reason says what came of the last one.',
    Reconciling: 'There only while True: the operator is bringing it nearer to its spec.',
    Stalled: 'There only while True: nothing will change until you change something; the message says what.',
  },
  Amphora: {
    Ready: 'Its HAProxy runs and may be sent traffic. Says nothing of members.',
    Configured: 'It has loaded the present configuration and members. False: why not; it goes on with what it has.',
    Lost: 'It is gone beyond restart and is being replaced.',
  },
};

/** docs/conditions.md: the conditions, and every reason with its meaning, in the order of the catalogue. */
export function conditionsPage(reasons: Readonly<Record<string, string>>): string {
  const conditions = Object.entries(CONDITIONS).flatMap(([kind, types]) =>
    Object.entries(types).map(([type, meaning]) => [kind, `\`${type}\``, meaning]),
  );
  return `# Conditions and their reasons

\`kubectl describe lb NAME\` and \`kubectl describe amp NAME\` show them. A condition's reason is for programs and for looking it up here; its message has
the particulars and the remedy. \`Reconciling\` and \`Stalled\` are never there together, as
[kstatus](https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md) has it.

${table(['kind', 'condition', 'meaning when True'], conditions)}

## Reasons

A problem of one listener stands in \`status.listenerProblems\` too, with the same reasons.

${table(
  ['reason', 'meaning'],
  Object.entries(reasons).map(([reason, meaning]) => [`\`${reason}\``, meaning]),
)}
`;
}

function table(header: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
