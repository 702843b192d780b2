import { randomInt } from 'node:crypto';
import { connect } from 'node:net';

/** Linux gives out ports from 32768 on by itself. */
const [FIRST_PORT, PORTS] = [20_000, 12_000];
let tries = randomInt(PORTS);

/**
 * Whether a TCP connection is taken there, within a second. It comes from a port of its own, which no other client is given: one that comes before
 * kube-proxy has written its rules goes astray, and for two minutes the kernel sends whatever comes from the same port after it.
 */
export function connects(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, localPort: FIRST_PORT + (tries++ % PORTS), timeout: 1_000 });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}
