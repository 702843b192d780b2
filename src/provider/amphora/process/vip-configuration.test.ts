import { expect, test } from '@jest/globals';
import { amphoraOf, renderVip, serverArguments, serverName, type VipServer } from './vip-configuration.ts';

const server = (more: Partial<VipServer> = {}): VipServer => ({
  amphora: 'web-amp-1',
  role: 'STANDALONE',
  address: '127.64.0.1',
  checkAddress: '127.96.0.1',
  checkPort: 61026,
  ...more,
});
const sockets = { adminSocket: '/state/run/a.s' };

test('every port of the VIP leads to all amphorae, to the same port of theirs', () => {
  const text = renderVip({ address: '127.128.0.7', ports: [80, 443], servers: [server()] }, sockets);
  expect(text).toContain('bind 127.128.0.7:80 name port-80\n');
  expect(text).toContain('bind 127.128.0.7:443 name port-443\n');
  expect(text).toContain('server web-amp-1 127.64.0.1 send-proxy-v2 check addr 127.96.0.1 port 61026');
  expect(text.endsWith('\n')).toBe(true);
});

test('a VIP without ports has no frontend, which HAProxy would warn of', () => {
  expect(renderVip({ address: '127.128.0.7', ports: [], servers: [server()] }, sockets)).not.toContain('frontend');
});

test('no check can take the last amphora away: the last resort has them all, unchecked', () => {
  const [, lastResort] = renderVip({ address: '127.128.0.7', ports: [80], servers: [server()] }, sockets).split('backend last-resort\n');
  expect(lastResort).toBe('  server web-amp-1 127.64.0.1 send-proxy-v2\n');
});

test('a BACKUP is a backup server of another name than the MASTER that it may become', () => {
  const backup = server({ role: 'BACKUP' });
  expect(serverName(backup)).not.toBe(serverName(server({ role: 'MASTER' })));
  expect(amphoraOf(serverName(backup))).toBe('web-amp-1');
  expect(serverArguments(backup, 'amphorae')).toMatch(/ backup$/);
  expect(serverArguments(server({ role: 'MASTER' }), 'amphorae')).not.toContain('backup');
});
