/** The thread in which members serve, so that neither the caller's work stalls them nor they the caller. See members.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { type MemberOptions, MemberServer } from './member-server.ts';
import type { MemberCall, MemberReply } from './members.ts';

const servers = (workerData as MemberOptions[]).map((options) => new MemberServer(options));
const port = parentPort!;

async function answer({ id, member, act }: MemberCall): Promise<MemberReply> {
  const server = servers[member]!;
  try {
    if (act === 'start') await server.start();
    else if (act === 'kill') server.kill();
    else if (act === 'up' || act === 'down') await server.setHealthy(act === 'up');
    return { id, port: server.port, stats: server.stats };
  } catch (error) {
    return { id, port: server.port, stats: server.stats, error: (error as Error).message };
  }
}

port.on('message', (call: MemberCall) => {
  void answer(call).then((reply) => port.postMessage(reply));
});
