import { DriverError } from '../driver.ts';

/** Codes of system errors that are about files, and what is to be done about each. */
const REMEDIES: Record<string, string> = {
  ENOSPC: 'its disk is full: make room on it',
  EDQUOT: 'the quota of this user on its disk is used up: make room, or raise it',
  EROFS: 'its disk is mounted read-only: mount it for writing',
  EACCES: 'this user may not: give it the folder',
  EPERM: 'this user may not: give it the folder',
  ENOTDIR: 'a part of its path is a file: name another --state-dir',
  EIO: 'its disk fails: replace it',
  EMFILE: 'this process has too many files open: raise its limit',
  ENFILE: 'this machine has too many files open: raise its limit',
};

/**
 * Runs an act on what the driver keeps in its state folder.
 * @throws DriverError in place of an error of the disk, so that whoever looks at the load balancer sees why nothing goes on
 */
export async function onDisk<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const { code = '', syscall = '' } = error as NodeJS.ErrnoException;
    // Programs and sockets have some of these codes too.
    const remedy = error instanceof DriverError || /^(spawn|connect)/.test(syscall) ? undefined : REMEDIES[code];
    if (remedy === undefined) throw error;
    throw new DriverError('DriverFailed', `The operator can't keep what it must in its state folder (${code}), since ${remedy}.`, {
      cause: error,
    });
  }
}
