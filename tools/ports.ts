import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

/**
 * Below the ports that Linux gives to outgoing connections (ip_local_port_range, from 32768): one of those could take the port of a server
 * that is down for a moment.
 */
const RANGE = { from: 20_000, to: 32_000 };

/**
 * Ports of 127.0.0.1 that nobody listens on just now, all different. Somebody may take one before its user does: the user must be ready
 * to come back for another.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = RANGE.from + Math.floor(Math.random() * (RANGE.to - RANGE.from));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Who listens on a port of 127.0.0.1, in words; undefined when it is free. A process of another user can't be named. */
export async function listenerOn(port: number): Promise<string | undefined> {
  if (await isFree(port)) return undefined;
  const sockets = socketsOn(port);
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
      if (open.some((link) => sockets.includes(link))) return `process ${pid} (${commandOf(pid)})`;
    } catch {
      // It has ended, or is another user's.
    }
  }
  return 'another process';
}

/** The listening sockets of a port, as links of /proc/PID/fd have them; see proc_net_tcp in the kernel's documentation. */
function socketsOn(port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return ['tcp', 'tcp6']
    .flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(`:${hex}`) && state === '0A')
    .map((fields) => `socket:[${fields[9]}]`);
}

const commandOf = (pid: string) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim().slice(0, 120);
