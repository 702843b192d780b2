import { expect, test } from '@jest/globals';
import { Total } from './total.ts';

const worker = (pid: number, totalConnections: number, { open = 0, port = 80, queued = false } = {}) => {
  const counted = { totalConnections, bytesIn: 10 * totalConnections, bytesOut: 100 * totalConnections, requestErrors: 0 };
  return { pid, queued, current: open, total: totalConnections, statistics: [{ protocolPort: port, activeConnections: open, ...counted }] };
};

const after = (...readings: ReturnType<typeof worker>[][]) => {
  const total = new Total();
  for (const reading of readings) total.add(reading);
  return total.of(readings.at(-1)!);
};

test('workers count together, by listener', () => {
  const { connections, statistics } = after([
    worker(1, 3, { open: 1 }),
    worker(2, 4, { open: 2, queued: true }),
    worker(3, 5, { port: 443 }),
  ]);
  expect(connections).toEqual({ current: 3, total: 12, queued: false });
  expect(statistics).toEqual([
    { protocolPort: 80, activeConnections: 3, totalConnections: 7, bytesIn: 70, bytesOut: 700, requestErrors: 0 },
    { protocolPort: 443, activeConnections: 0, totalConnections: 5, bytesIn: 50, bytesOut: 500, requestErrors: 0 },
  ]);
  expect(after([worker(1, 3)], [worker(1, 5)]).connections.total).toBe(5);
});

test('the limits are those of the one that takes new connections', () => {
  expect(after([worker(1, 3, { queued: true }), worker(2, 4)]).connections.queued).toBe(true);
});

test('what one has counted stays counted when it ends', () => {
  const { connections, statistics } = after([worker(1, 3)], [worker(2, 1)], [worker(2, 2)]);
  expect(connections.total).toBe(5);
  expect(statistics).toMatchObject([{ totalConnections: 5, bytesIn: 50, bytesOut: 500 }]);
});

test('so it does when another takes its id, and when its listener is gone, of which nothing more is told', () => {
  expect(after([worker(1, 3)], [worker(1, 1)]).connections.total).toBe(4);
  const { connections, statistics } = after([worker(1, 3)], [worker(2, 1, { port: 443 })]);
  expect(connections.total).toBe(4);
  expect(statistics.map(({ protocolPort }) => protocolPort)).toEqual([443]);
});
