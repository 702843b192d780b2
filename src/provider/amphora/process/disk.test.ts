import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { buildAmphora, buildConfiguration } from '../../../../test/contract/builders.ts';
import { DriverError } from '../driver.ts';
import { onDisk } from './disk.ts';
import { ProcessDriver } from './driver.ts';

const failing = (code: string, syscall: string) => () => onDisk(() => Promise.reject(Object.assign(new Error(code), { code, syscall })));

test('a full disk is told in words, as what the amphora waits for', async () => {
  await expect(failing('ENOSPC', 'write')()).rejects.toMatchObject({
    name: 'DriverError',
    reason: 'DriverFailed',
    message: expect.stringMatching(/state folder \(ENOSPC\).*disk is full: make room/),
  });
});

test.each([
  ['EACCES', 'connect'],
  ['EACCES', 'spawn haproxy'],
  ['ECONNREFUSED', 'connect'],
])('%s of %s is not about a disk, and stays what it is', async (code, syscall) => {
  await expect(failing(code, syscall)()).rejects.not.toBeInstanceOf(DriverError);
});

test('every act of the driver says so', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'reflavor-disk-'));
  try {
    await writeFile(join(dir, 'file'), '');
    const driver = new ProcessDriver({ stateDir: join(dir, 'file') });
    const amphora = buildAmphora({ name: 'web-amp-0' });
    const told = { name: 'DriverError', message: expect.stringMatching(/a part of its path is a file/) };
    await expect(driver.build(amphora, buildConfiguration({ amphora, ports: [8080] }))).rejects.toMatchObject(told);
    await expect(driver.ensureVip({ namespace: 'a', name: 'b', uid: 'c' }, [8080])).rejects.toMatchObject(told);
  } finally {
    await rm(dir, { recursive: true });
  }
});
