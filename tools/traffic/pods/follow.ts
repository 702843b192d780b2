import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { TrafficReport } from '../reports.ts';

/** Reads the reports that program.ts writes, directly or by way of kubectl, until they break off, and resolves with what else was said last. */
export async function followReports(
  child: ChildProcessByStdio<null, Readable, Readable>,
  hear: (report: TrafficReport) => void,
): Promise<string> {
  const ended = once(child, 'close');
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith('{"counts"')) hear(JSON.parse(line) as TrafficReport);
    else complaint = line;
  }
  await ended;
  return complaint;
}
