import { type CloudEvent, HTTP } from 'cloudevents';
import {
  API_VERSION,
  FlavorData,
  type LoadBalancer,
  LoadBalancerSpec,
  type LoadBalancerStatus,
  type Operation,
} from '../../src/api/index.ts';
import { cloudEventOf } from '../../src/notify/cloudevent.ts';
import { deleted, notificationsOf } from '../../src/notify/notifications.ts';
import type { NotificationPayload } from '../../src/notify/payload.ts';

const SOURCE = '/apis/reflavor.dev/v1alpha1/loadbalancers';
const flavor = FlavorData.parse({ compute: { cpu: '500m', memory: '256Mi' } });
const at = (seconds: number) => `2026-01-01T12:00:${String(seconds).padStart(2, '0')}Z`;

const begun = (kind: Operation['kind'], more: Partial<Operation> = {}): Operation => ({
  number: 7,
  kind,
  from: kind === 'Create' ? undefined : 'small',
  to: kind === 'Resize' ? 'large' : 'small',
  attempt: 1,
  startedAt: at(0),
  ...more,
});
const over = (kind: Operation['kind'], more: Partial<Operation>) => begun(kind, { finishedAt: at(30), ...more });
const imageNotFound = { step: 'Built', result: 'Failed', reason: 'ImageNotFound', message: 'Image haproxy:9.9 is not to be had.' } as const;
const superseded = {
  step: 'Built',
  result: 'Superseded',
  reason: 'ResizeSuperseded',
  message: 'flavor large was asked for instead of small.',
} as const;

function shop(status: Partial<LoadBalancerStatus>, metadata: Partial<LoadBalancer['metadata']> = {}): LoadBalancer {
  return {
    apiVersion: API_VERSION,
    kind: 'LoadBalancer',
    metadata: { name: 'web', namespace: 'shop', uid: '4f1d7e2a-9f0b-4a53-8c39-0d6a2f1f7f10', generation: 4, ...metadata },
    spec: LoadBalancerSpec.parse({ flavorId: 'large', description: 'The shop' }),
    status: { observedGeneration: 4, flavorId: 'small', vipAddress: '10.96.17.4', ...status },
  };
}

const lost = { reason: 'AmphoraLost', message: 'Amphora web-3b1f2c-6-0 was lost: node n1 is gone.' };

const condition = (type: 'Ready' | 'Stalled', reason: string, message: string): Partial<LoadBalancerStatus> => ({
  conditions: [{ type, status: 'True', observedGeneration: 4, lastTransitionTime: at(0), reason, message }],
});
const creating = { flavorId: undefined, vipAddress: undefined };
const refused = 'HAProxy refused it: unable to parse the address.';

/** Every type, when it is told, and a load balancer that has it to tell. */
const TYPES: [type: string, meaning: string, lb: LoadBalancer][] = [
  [
    'create.start',
    'It is recorded, and its amphorae are about to be built.',
    shop({ ...creating, operation: begun('Create', { number: 1 }) }),
  ],
  [
    'create.end',
    'It serves.',
    shop({
      operation: over('Create', {
        number: 1,
        step: 'Committed',
        result: 'Succeeded',
        reason: 'AsSpecified',
        message: 'Flavor small is in force.',
      }),
    }),
  ],
  [
    'create.error',
    'It could not be created; it is tried again. Or its flavor was refused (`result` is `Refused`).',
    shop({ ...creating, operation: over('Create', { number: 1, ...imageNotFound }) }),
  ],
  [
    'create.cancel',
    'It gave way to another flavor that was asked for meanwhile.',
    shop({ ...creating, operation: over('Create', { number: 1, ...superseded }) }),
  ],
  ['resize.start', 'A resize is recorded, and its amphorae are about to be built.', shop({ operation: begun('Resize') })],
  [
    'resize.end',
    'The new flavor is in force.',
    shop({
      flavorId: 'large',
      operation: over('Resize', { step: 'Committed', result: 'Succeeded', reason: 'AsSpecified', message: 'Flavor large is in force.' }),
    }),
  ],
  [
    'resize.error',
    'The resize failed and was taken back; the old flavor is in force and serves. Or it was refused (`result` is `Refused`, there is no `number`), and nothing was touched.',
    shop({ operation: over('Resize', imageNotFound) }),
  ],
  [
    'resize.cancel',
    'It was cancelled (`result` is `Cancelled`) or gave way to another flavor (`Superseded`), and was taken back.',
    shop({
      operation: over('Resize', {
        step: 'Detached',
        result: 'Cancelled',
        reason: 'ResizeCancelled',
        message: 'flavorId was set back to small.',
      }),
    }),
  ],
  [
    'update.end',
    'An edit of anything but `flavorId` and `suspend` is in force. Edits that follow on each other closely are told of as one.',
    shop(condition('Ready', 'AsSpecified', '')),
  ],
  [
    'update.error',
    'An edit cannot be loaded; what serves goes on with the one before.',
    shop(condition('Stalled', 'ConfigurationRefused', refused)),
  ],
  ['failover.start', 'A failover is recorded; `reason` and `message` say why.', shop({ operation: begun('Failover', { cause: lost }) })],
  [
    'failover.end',
    'New amphorae of the same flavor serve.',
    shop({
      operation: over('Failover', {
        step: 'Committed',
        result: 'Succeeded',
        reason: 'AmphoraLost',
        message: 'Failed over onto new amphorae of flavor small.',
      }),
    }),
  ],
  ['failover.error', 'A failover failed; what serves goes on.', shop({ operation: over('Failover', imageNotFound) })],
  [
    'failover.cancel',
    'It gave way to another flavor that was asked for meanwhile.',
    shop({ operation: over('Failover', { ...superseded, message: 'flavor large was asked for instead of small.' }) }),
  ],
  ['delete.start', 'A deletion was asked for.', shop({}, { deletionTimestamp: at(0) })],
  ['delete.end', 'All that belonged to it is gone.', shop({}, { deletionTimestamp: at(0) })],
];

/** An example of each type, made by the code that the operator runs. */
export function examples(): { type: string; meaning: string; event: CloudEvent<NotificationPayload> }[] {
  const now = Date.parse(at(31));
  return TYPES.map(([name, meaning, lb]) => {
    const type = `octavia.loadbalancer.${name}`;
    const told = [...notificationsOf(lb, { specHash: 'another' }), deleted(at(31))].find((notification) => notification.type === type);
    if (!told) throw new Error(`the example of ${type} has no such notification to tell`);
    return { type, meaning, event: cloudEventOf(lb, told, { source: SOURCE, flavor, now }) };
  });
}

/** docs/notifications.md. */
export function notificationsPage(): string {
  const all = examples();
  const resize = all.find(({ type }) => type.endsWith('resize.end'))!.event;
  return `# Notifications

The operator tells of what happens to load balancers in two ways: by Kubernetes Events, always, and by [CloudEvents](https://cloudevents.io/) 1.0 to
an HTTP sink, where one is set.

## Events

\`kubectl describe lb NAME\` and \`kubectl events --for lb/NAME\` show them. KIND is Create, Resize or Failover; those of type Warning say what to do.

| reason | type | when |
|---|---|---|
| \`KINDStarted\` | Normal | Accepted and Recorded are met: the operation stands in the status, and work begins. |
| \`Built\`, \`Configured\`, \`Verified\`, \`Attached\`, \`Detached\`, \`Committed\` | Normal | The goal is met for the first time. |
| \`KINDSucceeded\` | Normal | It is done. |
| \`KINDFailed\` | Warning | It failed, with the cause; it is being taken back. |
| \`KINDCancelled\`, \`KINDSuperseded\` | Normal | flavorId was set back, or to a third flavor; it is being taken back. |
| \`KINDEnded\` | Normal | It was taken back, whatever the cause. |
| a reason of [conditions.md](conditions.md), such as \`FlavorDisabled\` | Warning | A flavor was refused, or nothing goes on until somebody mends something. |
| \`NotificationRefused\`, \`NotificationLost\` | Warning | The sink will not get a notification, see below. |

## A sink

With the chart:

\`\`\`sh
helm upgrade reflavor charts/reflavor --namespace reflavor --reset-then-reuse-values --set notifications.sink=https://events.example.org/reflavor
\`\`\`

or \`--notifications-sink=URL\` for an operator that is run otherwise. The chart's \`notifications.*\` and \`reflavor operator --help\` have the rest: \`structured\` (the
default: an event is the body) or \`binary\` (its attributes are headers) mode, a bearer token, headers and authorities from a Secret, which are read at each call, the time-out,
and a \`source\` for receivers that hear of several clusters. Secrets belong into the headers, not into the URL, which whoever sees the operator's pod can read.

A sink is told of what happens from when it was set. Without one nothing runs, and nothing of it stands in a status.

| type, after \`octavia.loadbalancer.\` | when |
|---|---|
${TYPES.map(([name, meaning]) => `| \`${name}\` | ${meaning} |`).join('\n')}

\`create.end\`, \`update.end\` and \`delete.end\` are Octavia's own. So are the fields of \`data\`, up to \`flavor\` (expanded, as there); \`operation\` comes on top.
[schemas/notification.schema.json](schemas/notification.schema.json) is the schema of \`data\`; \`dataschema\` is its name, not a place to fetch it from. Fields may be added: let pass what you don't know.

## What a receiver may rely on

- **At least once.** What an operation has to tell is derived from \`status.operation\` and \`status.history\`, which holds the 10 newest; what the sink has taken is written to
  \`status.notifications\`. An operator that dies in between repeats itself. Of edits and refusals the last one is told.
- **The same \`id\` each time**, made of the load balancer's uid, the number of the operation (or the generation of the spec) and the turn: drop what you have seen.
- **In order**, for one load balancer. \`subject\` is its namespace and name.
- **Nobody waits for the sink.** Notifications have a queue of their own. Only the leader sends.
- **A deletion is told of with best effort:** it waits up to 2 seconds for \`delete.end\` to be taken, and not at all while the sink is known to fail. It is tried for a minute more,
  while the same operator lives.

| the sink | what the operator does |
|---|---|
| answers 2xx | goes on to the next |
| answers 408, 429 or 5xx, or not at all | tries again after 1 s, twice as long each time up to 60 s (\`Retry-After\` up to 10 min), for as long as the operation is in the history |
| answers anything else | does the same for \`notifications.refusedSeconds\` (300), in case a token or a path is just being mended; then gives the notification up, with the Event \`NotificationRefused\`, and the next ones at once until one is taken |

Redirects are not followed. Each failed try is in the operator's log. In its metrics, \`reflavor_notification_tries_total{type, result}\` counts tries (\`delivered\`, \`failed\`, \`refused\`), and
\`reflavor_notifications_lost_total{because}\` what the sink will never get: \`overflow\` (left the history first, also an Event \`NotificationLost\`), \`refused\`, \`deleted\`. An alert worth having:

\`\`\`
increase(reflavor_notifications_lost_total[1h]) > 0
\`\`\`

## Examples

In binary mode:

\`\`\`http
POST /reflavor HTTP/1.1
host: events.example.org
${Object.entries(HTTP.binary(resize).headers)
  .map(([name, value]) => `${name}: ${value}`)
  .join('\n')}

${filled(resize.data!)}
\`\`\`

In structured mode the request has \`content-type: ${HTTP.structured(resize).headers['content-type']}\`, and one of these as its body:

${all.map(({ type, event }) => `\`${type}\`\n\n\`\`\`json\n${filled(event.toJSON())}\n\`\`\``).join('\n\n')}
`;
}

/** JSON in lines that are as full as they go. */
function filled(object: object, width = 150): string {
  const lines = ['{'];
  const shown = Object.entries(object).filter(([, value]) => value !== undefined);
  for (const [index, [name, value]] of shown.entries()) {
    const comma = index < shown.length - 1 ? ',' : '';
    const whole = `${JSON.stringify(name)}: ${JSON.stringify(value)}${comma}`;
    if (whole.length > width) {
      const nested = filled(value as object, width - 2).replaceAll('\n', '\n  ');
      lines.push(`  ${JSON.stringify(name)}: ${nested}${comma}`);
    } else if (lines.length > 1 && !lines.at(-1)!.endsWith('},') && lines.at(-1)!.length + whole.length < width) {
      lines[lines.length - 1] += ` ${whole}`;
    } else lines.push(`  ${whole}`);
  }
  return [...lines, '}'].join('\n');
}
