import { describe, expect, test } from '@jest/globals';
import {
  Amphora,
  Flavor,
  FlavorProfile,
  LoadBalancer,
  type LoadBalancerSpec,
  type LoadBalancerStatus,
  type Operation,
  type Progress,
} from '../../sdk/index.ts';
import { plain } from '../io.ts';
import { flavorTable, historyTable, loadBalancerTable } from './lists.ts';
import { previewLines } from './preview.ts';
import { doneLine, goalOutput } from './progress.ts';
import { statusTree } from './status.ts';
import { table } from './table.ts';
import { drawTree } from './tree.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const at = (minute: number, second = 0) => new Date(now - 60_000 * (60 - minute) + 1000 * second).toISOString().replace('.000', '');

const operation: Operation = {
  number: 3,
  kind: 'Resize',
  from: 'small',
  to: 'large',
  step: 'Verified',
  progress: '4/8',
  message: 'Waiting for port 80 to open.',
  startedAt: at(59),
  replaces: ['web-1-0'],
  goals: [
    { name: 'Accepted', metAt: at(59) },
    { name: 'Recorded', metAt: at(59) },
    { name: 'Built', metAt: at(59, 4) },
    { name: 'Configured', metAt: at(59, 5) },
  ],
};
const amphorae: NonNullable<LoadBalancerStatus['amphorae']> = [
  { name: 'web-1-0', flavorId: 'small', role: 'STANDALONE', traffic: 'Carries', ready: true, address: '10.0.0.1', connections: 12 },
  { name: 'web-3-0', flavorId: 'large', role: 'STANDALONE', traffic: 'NotYet', ready: false },
];
function web(status: Partial<LoadBalancerStatus> = {}, spec: LoadBalancerSpec = {}) {
  const object = new LoadBalancer({
    metadata: { name: 'web', namespace: 'shop', uid: 'u', creationTimestamp: at(0) },
    spec: {
      flavorId: 'large',
      listeners: [
        {
          name: 'http',
          protocol: 'HTTP',
          protocolPort: 80,
          defaultPool: 'app',
          l7Policies: [{ name: 'docs', action: 'REDIRECT_TO_URL', redirectUrl: 'https://d.example.org/' }],
        },
      ],
      pools: [
        {
          name: 'app',
          protocol: 'HTTP',
          healthMonitor: { type: 'HTTP' },
          members: [
            { address: '192.0.2.1', protocolPort: 80 },
            { address: '2001:db8::1', protocolPort: 80, weight: 2, backup: true },
          ],
        },
        { name: 'idle', protocol: 'TCP', service: { name: 'idle', port: 'tcp' } },
      ],
      ...spec,
    },
  });
  object.status = {
    flavorId: 'small',
    provisioningStatus: 'PENDING_UPDATE',
    operatingStatus: 'DEGRADED',
    vipAddress: '198.51.100.1',
    resize: 'Configured 4/8',
    operation,
    amphorae,
    ...status,
  };
  return object;
}
const seen = Object.assign(new Amphora(), {
  metadata: { name: 'web-1-0' },
  spec: {},
  status: {
    haproxyVersion: '3.0.11',
    unhealthyMembers: [{ pool: 'app', address: '192.0.2.1', protocolPort: 80, status: 'ERROR' as const }],
  },
});

describe('the status tree', () => {
  test('shows the balancer, its operation with all goals, listeners, pools, members and amphorae', () => {
    expect(statusTree({ loadBalancer: web(), amphorae: [seen], now, paint: plain }).join('\n')).toBe(
      `
shop/web  PENDING_UPDATE  DEGRADED  VIP 198.51.100.1  flavor small, wanted large
├─ Operation 3: Resize small → large, 4/8, for 60s
│  ├─ ✔ Accepted  after 0s
│  ├─ ✔ Recorded  after 0s
│  ├─ ✔ Built  after 4s
│  ├─ ✔ Configured  after 5s
│  ├─ ▸ Verified  Waiting for port 80 to open.
│  ├─ · Attached
│  ├─ · Detached
│  ├─ · Committed
│  └─ connections of those replaced: 12 on web-1-0
├─ Listener http  HTTP :80
│  ├─ L7 policy docs  REDIRECT_TO_URL → https://d.example.org/
│  └─ Pool app  HTTP  ROUND_ROBIN
│     ├─ 192.0.2.1:80  ERROR
│     └─ [2001:db8::1]:80  ONLINE  weight 2  backup
├─ Pool idle  TCP  ROUND_ROBIN  of Service idle:tcp
├─ Amphora web-1-0  small  STANDALONE  Carries  ready  10.0.0.1  12 connections  HAProxy 3.0.11
└─ Amphora web-3-0  large  STANDALONE  NotYet  not ready`.trim(),
    );
  });

  test('tells what came of an operation that is over, and of what it failed', () => {
    const over = {
      ...operation,
      attempt: 2,
      result: 'Failed' as const,
      reason: 'ImageNotFound',
      message: 'no image 9.9',
      finishedAt: at(59, 30),
    };
    const lines = statusTree({ loadBalancer: web({ operation: over }), amphorae: [], now, paint: plain });
    expect(lines.slice(1, 3)).toEqual([
      '├─ Operation 3: Resize small → large, attempt 2: Failed in 30s, 30s ago',
      '│  └─ ImageNotFound: no image 9.9',
    ]);
  });

  test('says when it goes back, is suspended, or has a listener in trouble', () => {
    const loadBalancer = web(
      {
        operation: { ...operation, result: 'Cancelled', warning: { reason: 'OlderImage', message: 'it may lack something.' } },
        listenerProblems: [{ listener: 'http', reason: 'SecretNotFound', message: 'there is no Secret tls' }],
      },
      { suspend: true },
    );
    const text = statusTree({ loadBalancer, amphorae: [], now, paint: plain }).join('\n');
    expect(text).toContain('flavor small, wanted large  suspended');
    expect(text).toContain('Resize small → large, going back (Cancelled), for 60s');
    expect(text).toContain('├─ OlderImage: it may lack something.');
    expect(text).toContain('SecretNotFound: there is no Secret tls');
    expect(text).toContain('192.0.2.1:80  UNKNOWN');
  });

  test('is one line for an object that nobody has visited yet', () => {
    const fresh = new LoadBalancer({ metadata: { name: 'web', namespace: 'shop' }, spec: {} });
    expect(statusTree({ loadBalancer: fresh, amphorae: [], now, paint: plain })).toEqual([
      'shop/web  UNKNOWN  UNKNOWN  VIP <none>  flavor <none>',
    ]);
  });

  test('paints states so that trouble is seen', () => {
    const [line] = statusTree({ loadBalancer: web(), amphorae: [], now, paint: (style, text) => `<${style}>${text}</>` });
    expect(line).toContain('<yellow>PENDING_UPDATE</>  <yellow>DEGRADED</>');
  });
});

test('the list of load balancers tells what is in force, what is wanted and how far it is', () => {
  expect(loadBalancerTable([web()], { now })).toEqual([
    'NAME   FLAVOR   WANTED   PROVISIONING     OPERATING   VIP            RESIZE           AGE',
    'web    small    large    PENDING_UPDATE   DEGRADED    198.51.100.1   Configured 4/8   60m',
  ]);
  expect(loadBalancerTable([web()], { now, namespaces: true })[1]).toMatch(/^shop +web +small/);
});

test('the list of flavors leaves out what the user may not read', () => {
  const flavor = new Flavor({ metadata: { name: 'large' }, spec: { flavorProfile: 'p' } });
  flavor.status = { loadbalancerTopology: 'SINGLE', provider: 'amphora' };
  const profile = new FlavorProfile({
    metadata: { name: 'p' },
    spec: { flavorData: { threads: 2, maxConnections: 8000, ampImageTag: '3.0', compute: { cpu: '1' } } },
  });
  const cells = (lines: string[]) => lines[1]!.split(/ {2,}/);
  expect(cells(flavorTable([flavor], [profile]))).toEqual([
    'large',
    'true',
    'SINGLE',
    'amphora',
    '1',
    '<none>',
    '2',
    '8000',
    '3.0',
    '<none>',
  ]);
  expect(cells(flavorTable([flavor], []))).toEqual(['large', 'true', 'SINGLE', 'amphora', ...Array(6).fill('<none>')]);
});

test('the history has what runs first, then what is over', () => {
  const created: Operation = {
    number: 1,
    kind: 'Create',
    to: 'small',
    result: 'Succeeded',
    startedAt: at(1),
    finishedAt: at(2),
    message: 'Flavor small is in force.',
  };
  const lines = historyTable([web({ history: [created] })], { now }).map((line) => line.split(/ {2,}/));
  expect(lines[1]!.slice(1)).toEqual([
    '3',
    'Resize',
    'small',
    'large',
    'Running',
    '<none>',
    '4/8',
    '60s',
    '60s ago',
    'Waiting for port 80 to open.',
  ]);
  expect(lines[2]!.slice(1, 9)).toEqual(['1', 'Create', '<none>', 'small', 'Succeeded', '<none>', '<none>', '60s']);
});

test('a goal at hand tells how long, what for, and which connections are left', () => {
  const progress = {
    state: 'Running',
    message: 'Waiting.',
    elapsedSeconds: 125.9,
    connectionsLeft: [{ amphora: 'web-1-0', connections: 12, draining: false }],
  } as unknown as Progress;
  expect(goalOutput(progress)).toBe('2m5s  Waiting.  connections left: 12 on web-1-0');
  expect(goalOutput({ ...progress, state: 'GoingBack', connectionsLeft: [] })).toBe('2m5s  Going back: Waiting.');
});

test('a wait that went well ends with what is in force and what still drains', () => {
  const [old] = amphorae;
  const done = web({ flavorId: 'large', amphorae: [{ ...old!, traffic: 'Draining', connections: 1 }] });
  expect(doneLine(done, 'Resize', 5.3)).toBe('shop/web: flavor large is in force, after 5s; 1 connection drains from what was replaced');
  expect(doneLine(web({ amphorae: [] }), 'Failover', 70)).toBe('shop/web: runs on new amphorae of flavor small, after 70s');
});

test('a dry run says what would happen, or why not', () => {
  const preview = {
    loadBalancer: web(),
    act: 'Supersede' as const,
    from: 'small',
    to: 'huge',
    refusals: [],
    warnings: [{ reason: 'Suspended', message: 'It is.' }],
  };
  expect(previewLines(preview, plain)).toEqual([
    'shop/web: would be resized from small to huge, in place of the operation that runs',
    '  warning  Suspended: It is.',
    '(dry run: nothing was changed)',
  ]);
  const [head, refusal] = previewLines({ ...preview, refusals: [{ reason: 'FlavorDisabled', message: 'No.' }] }, plain);
  expect([head, refusal]).toEqual(['shop/web: would be refused, and nothing touched', '  refused  FlavorDisabled: No.']);
});

test('tables and trees line up', () => {
  expect(
    table(
      ['A', 'LONGER'],
      [
        ['long one', ''],
        ['b', undefined],
      ],
    ),
  ).toEqual(['A          LONGER', 'long one   <none>', 'b          <none>']);
  expect(drawTree({ text: 'a', children: [{ text: 'b', children: [{ text: 'c' }] }, { text: 'd' }] })).toEqual([
    'a',
    '├─ b',
    '│  └─ c',
    '└─ d',
  ]);
});
