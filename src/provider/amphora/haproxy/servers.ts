import type { Configuration } from '../configuration.ts';
import { bracketed, endpoint } from './address.ts';
import { checkWords } from './check.ts';
import type { Files } from './files.ts';
import type { Backend, Server } from './plan.ts';
import { serverTls } from './tls.ts';

/** Words that every server of a backend has: of `default-server` in the file, and one by one at run time, where that isn't looked at. */
export function commonServerWords(backend: Backend, secrets: Configuration['secrets'], files: Files): string[] {
  const proxy = { PROXY: ['send-proxy'], PROXYV2: ['send-proxy-v2'] }[backend.pool.protocol as string] ?? [];
  return [...checkWords(backend), ...proxy, ...serverTls(backend, secrets, files)];
}

/** Words of one server after its name, but for those that it shares and its administrative state. */
export function serverWords(server: Server): string[] {
  const words = [endpoint(server.address, server.port), 'id', String(server.id), 'weight', String(server.weight)];
  if (server.backup) words.push('backup');
  if (server.checkAddress !== undefined) words.push('addr', bracketed(server.checkAddress));
  if (server.checkPort !== undefined) words.push('port', String(server.checkPort));
  return words;
}
