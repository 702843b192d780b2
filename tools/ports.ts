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
