/** The examples where there are no pods: with member servers of this machine in place of the Services of examples/members.yaml. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMap, isSeq, parseAllDocuments, type YAMLMap } from 'yaml';

const examples = join(import.meta.dirname, '../examples');

/** Ports of 127.0.0.1 on which `make up` runs members. */
export const memberPorts = [9001, 9002, 9003];

/** Which of them stand for a Service. */
const standIns: Record<string, (ports: readonly number[]) => readonly number[]> = {
  web: (ports) => ports,
  api: (ports) => ports.slice(1, 2),
  next: (ports) => ports.slice(2, 3),
};

/** One example, with members at these ports. What is no pool, or of another Service, stays as it is. */
export function withLocalMembers(example: string, ports: readonly number[] = memberPorts): string {
  const documents = parseAllDocuments(example);
  for (const document of documents) {
    const pools = document.getIn(['spec', 'pools']);
    for (const pool of isSeq<YAMLMap>(pools) ? pools.items : []) {
      const members = standIns[String(pool.getIn(['service', 'name']))]?.(ports);
      if (!isMap(pool) || !members) continue;
      pool.delete('service');
      pool.comment = null;
      pool.set('members', document.createNode(members.map((protocolPort) => ({ address: '127.0.0.1', protocolPort }))));
    }
  }
  return documents.map((document) => document.toString({ lineWidth: 0, flowCollectionPadding: false })).join('');
}

/** Writes into a folder the examples that work without pods. */
export async function writeLocalExamples(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const needPods = ['members.yaml', 'https-passthrough.yaml', 'outside.yaml'];
  for (const file of (await readdir(examples)).filter((name) => name.endsWith('.yaml') && !needPods.includes(name)))
    await writeFile(join(dir, file), withLocalMembers(await readFile(join(examples, file), 'utf8')));
}
