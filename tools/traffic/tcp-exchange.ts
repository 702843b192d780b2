import * as net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from './tally.ts';

/** One connection to a tcp member (`MemberServer`): its greeting, then as many lines as `echoes` says, spread over `overMs`. */
export interface TcpRequest {
  host: string;
  port: number;
  localAddress?: string;
  echoes: number;
  overMs: number;
  timeoutMs: number;
  checkClientAddress: boolean;
}

/** Makes one exchange. Never rejects: a connection that ends early, an echo that differs or comes too late is an outcome with an error. */
export async function tcpExchange(request: TcpRequest): Promise<Outcome> {
  const startedAt = performance.now();
  const { host, port, localAddress } = request;
  const socket = net.connect({ host, port, localAddress, noDelay: true });
  const timer = setTimeout(() => socket.destroy(new Error(`no complete echo within ${request.timeoutMs} ms`)), request.timeoutMs);
  const result = (rest: Partial<Outcome>): Outcome => ({ ms: performance.now() - startedAt, connected: true, ...rest });
  let member: string | undefined;
  try {
    const lines = linesOf(socket);
    const [name, seen] = (await next(lines)).split(' ');
    member = name;
    if (request.checkClientAddress && seen !== socket.localAddress) {
      return result({ error: `the member saw the client address ${seen}, not ${socket.localAddress}`, member });
    }
    for (let i = 1; i <= request.echoes; i++) {
      const line = `line ${i} from ${socket.localPort} `.padEnd(1000, '.');
      socket.write(`${line}\n`);
      if ((await next(lines)) !== line) return result({ error: `echo ${i} of ${member} differs from what was sent`, member });
      const waitMs = startedAt + (request.overMs * i) / request.echoes - performance.now();
      if (waitMs > 0) await delay(waitMs);
    }
    socket.end();
    if (!(await lines.next()).done) return result({ error: `${member} sent more than the echo`, member });
    return result({ member });
  } catch (error) {
    return result({ error: (error as Error).message, member });
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

async function* linesOf(socket: net.Socket): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of socket) {
    const lines = (text + (chunk as Buffer).toString('latin1')).split('\n');
    text = lines.pop()!;
    yield* lines;
  }
}

async function next(lines: AsyncGenerator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new Error('the connection ended before the echo');
  return value;
}
