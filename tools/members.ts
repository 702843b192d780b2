/** Member servers at the ports of 127.0.0.1 that are given as arguments, for examples/; they run until they are ended. */
import { startMembers } from './traffic/members.ts';

const ports = process.argv.slice(2).map(Number);
await startMembers({ count: ports.length, ports });
console.log(`members listen at 127.0.0.1, ports ${ports.join(', ')}`);
