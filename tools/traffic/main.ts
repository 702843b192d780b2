/** Traffic by hand: member servers to put behind a load balancer, and clients to send at its VIP. */
import { Command, InvalidArgumentError } from 'commander';
import { startMembers } from './members.ts';
import type { TrafficOptions } from './settings.ts';
import type { TrafficCounts } from './tally.ts';
import { startTraffic } from './traffic.ts';

const program = new Command('traffic').description(
  'Member servers, and clients that count every failed request. On loopback addresses only.',
);

program
  .command('send <url>', { isDefault: true })
  .description(
    'send requests at http://, https:// or tcp://<address>:<port>; print a line a second; exit 1 if a request failed, 2 for wrong options',
  )
  .option('--new-connections <n>', 'clients that open a connection for each request', number)
  .option('--keep-alive <n>', 'clients that keep one connection busy', number)
  .option('--slow <n>', 'clients whose requests take a member a second', number)
  .option('--downloads <n>', 'clients that download a megabyte over two seconds and compare every byte', number)
  .option('--sticky <n>', 'clients that keep their cookies and report when they get another member', number)
  .option('--held <n>', 'connections held by requests that take ten seconds', number)
  .option('--rate <n>', 'requests a second of the quick clients together (default: as many as are answered)', number)
  .option('--seconds <n>', 'how long', number, 60)
  .option('--host <name>', 'the Host header')
  .action(async (url: string, flags: SendFlags) => {
    process.exitCode = await send(trafficOptions(url, flags));
  });

program
  .command('members')
  .description(
    'run member servers until interrupted; each answers with its name (also /slow?ms= /download?bytes=&seconds= /status?code= /echo /session /health)',
  )
  .option('--count <n>', 'how many', number, 3)
  .option('--address <address>', 'where they listen', '127.0.0.1')
  .option('--ports <ports>', 'their ports, separated by commas (default: free ones)', (text) => text.split(',').map(number))
  .option('--tcp', 'plain TCP: a greeting, then an echo')
  .action(async ({ count, address, ports, tcp }: { count: number; address: string; ports?: number[]; tcp?: boolean }) => {
    const { members, close } = await startMembers({ count, ports, host: address, protocol: tcp ? 'tcp' : 'http' });
    for (const member of members) console.log(`${member.name} ${member.address}:${member.port}`);
    onInterrupt(() => void close());
  });

interface SendFlags extends Pick<TrafficOptions, 'newConnections' | 'keepAlive' | 'slow' | 'downloads' | 'sticky' | 'held' | 'rate'> {
  seconds: number;
  host?: string;
}

function trafficOptions(url: string, { seconds, host, ...clients }: SendFlags): TrafficOptions {
  const { rate, ...kinds } = clients;
  const usual = url.startsWith('tcp:') ? { newConnections: 4, slow: 2 } : { newConnections: 4, keepAlive: 4, slow: 2, downloads: 1 };
  const chosen = Object.keys(kinds).length > 0 ? kinds : usual;
  return { url, ...chosen, rate, maxSeconds: seconds, headers: host === undefined ? {} : { host } };
}

async function send(options: TrafficOptions): Promise<number> {
  let traffic: ReturnType<typeof startTraffic>;
  try {
    traffic = startTraffic(options);
  } catch (error) {
    console.error((error as Error).message);
    return 2;
  }
  onInterrupt(() => void traffic.stop());
  let told = 0;
  const lines = setInterval(() => {
    const counts = traffic.counts();
    console.log(line(counts));
    printFailures(counts.failures.slice(told));
    told = counts.failures.length;
  }, 1000);
  const counts = await traffic.ended;
  clearInterval(lines);
  printFailures(counts.failures.slice(told));
  console.log(line(counts));
  console.log(`${counts.requests} requests, ${counts.failed} failed`);
  return counts.failed > 0 ? 1 : 0;
}

function line(counts: TrafficCounts): string {
  const members = Object.entries(counts.byMember).sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  const apart = [
    counts.retriedOnClosedIdle > 0 && `${counts.retriedOnClosedIdle} sent again on a connection closed while idle`,
    counts.moved > 0 && `${counts.moved} moved to another member`,
  ].filter(Boolean);
  return [
    `${(counts.elapsedMs / 1000).toFixed(0).padStart(4)} s  ${counts.requests} requests, ${counts.failed} failed`,
    `p50 ${counts.p50Ms.toFixed(1)} ms, p99 ${counts.p99Ms.toFixed(1)} ms`,
    members.map(([name, n]) => `${name} ${n}`).join(', '),
    ...apart,
  ]
    .filter(Boolean)
    .join('  | ');
}

function printFailures(failures: TrafficCounts['failures']): void {
  for (const { at, kind, error } of failures) console.log(`  ${new Date(at).toISOString()} ${kind}: ${error}`);
}

/** The first interrupt ends things in order; a second one ends the process, as it would have without this. */
function onInterrupt(end: () => void): void {
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
}

function number(text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value) || value < 0) throw new InvalidArgumentError('it is not a number of 0 or more.');
  return value;
}

await program.parseAsync();
