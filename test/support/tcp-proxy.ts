import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP relay in front of a server, to break connections in the ways that networks do. */
export interface TcpProxy {
  port: number;
  /** Connections that are open on the client's side. */
  readonly open: number;
  /** How many were accepted in all. */
  readonly accepted: number;
  /** Ends every connection with a reset (RST), both sides. */
  reset(): void;
  /** From now on bytes vanish, in both directions and on new connections too, and nobody is told: a dead host, a firewall that forgot. */
  fallSilent(): void;
  /** Connections made from now on work again; the silent ones stay so. */
  speakAgain(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<{ client: Socket; server: Socket }>();
  let silent = false;
  let accepted = 0;
  const listener = createServer((client) => {
    accepted++;
    const server = connect(target);
    const pair = { client, server };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    if (silent) {
      client.resume();
      return;
    }
    client.pipe(server);
    server.pipe(client);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const reset = () => {
    for (const socket of [...pairs].flatMap(({ client, server }) => [client, server])) {
      // libuv resets no socket that is shutting down, and Node, which takes it for closed, then never ends (24.21).
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  };
  return {
    port: (listener.address() as AddressInfo).port,
    get open() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    reset,
    fallSilent() {
      silent = true;
      for (const { client, server } of pairs) {
        client.unpipe(server);
        server.unpipe(client);
        // Without a reader the kernel would tell the sender that the window is full: what comes is read and thrown away.
        client.resume();
        server.resume();
      }
    },
    speakAgain() {
      silent = false;
    },
    async close() {
      reset();
      await new Promise<void>((resolve) => {
        listener.close(() => resolve());
      });
    },
  };
}
