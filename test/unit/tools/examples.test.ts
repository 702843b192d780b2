import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { withLocalMembers } from '../../../tools/examples.ts';

const example = (name: string) => readFileSync(join(import.meta.dirname, '../../../examples', name), 'utf8');
const poolsOf = (text: string) => parseAllDocuments(text).flatMap((document) => document.toJS().spec?.pools ?? []);

describe('an example where there are no pods', () => {
  test('has members of this machine in place of a Service, and is the same in all else', () => {
    const text = withLocalMembers(example('http.yaml'), [7001, 7002, 7003]);
    expect(poolsOf(text)).toEqual(
      poolsOf(example('http.yaml')).map(({ service, ...pool }) => ({
        ...pool,
        members: [7001, 7002, 7003].map((protocolPort) => ({ address: '127.0.0.1', protocolPort })),
      })),
    );
    const lines = (yaml: string) => yaml.split('\n').slice(0, yaml.split('\n').indexOf('  pools:'));
    expect(lines(text)).toEqual(lines(example('http.yaml')));
    expect(text).not.toContain('192.0.2');
  });

  test('has others for other pools, so that one can see which was taken', () => {
    const ports = poolsOf(withLocalMembers(example('l7.yaml'))).map(({ members }) =>
      members.map((m: { protocolPort: number }) => m.protocolPort),
    );
    expect(ports).toEqual([[9001, 9002, 9003], [9002], [9003]]);
  });

  test('keeps a Service that nothing here stands for', () => {
    expect(poolsOf(withLocalMembers(example('https-passthrough.yaml')))).toMatchObject([{ service: { name: 'vault' } }]);
  });
});
