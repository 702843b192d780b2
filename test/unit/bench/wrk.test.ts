import { expect, test } from '@jest/globals';
import { cpuTicks } from '../../../bench/data-plane/proc.ts';
import { parseWrk } from '../../../bench/data-plane/wrk.ts';

const words = (line: string) => `Running 1s test @ http://127.0.0.1:80/\n  Requests/sec:  2000.00\n${line}\n`;

test("wrk's figures are those of the script's line", () => {
  const line = '{"requests":3000,"durationUs":1500000,"failed":2,"p50Us":500,"p99Us":2000,"p999Us":9000}';
  expect(parseWrk(words(line))).toEqual({ requests: 3000, failed: 2, perSecond: 2000, p50Ms: 0.5, p99Ms: 2, p999Ms: 9 });
});

test('no figures, or no answer at all, are an error and no measurement', () => {
  expect(() => parseWrk(words(''))).toThrow(/told no figures/);
  expect(() => parseWrk(words('{"requests":0,"durationUs":1500000,"failed":9,"p50Us":0,"p99Us":0,"p999Us":0}'))).toThrow(/no answer/);
});

test('the time of a process is that of user and system, whatever its name is', () => {
  expect(cpuTicks('7 (a (b) c) S 1 7 7 0 -1 4194560 1 0 0 0 120 30 9 9 20 0 1 0 5 0 0')).toBe(150);
});
