/** The control groups below which a node's pods run: `/reflavor/ID-NODE` in every hierarchy of this machine, version 1 or 2. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PARENT = 'reflavor';

/** As kubelet wants it in `cgroupRoot`. */
export function cgroupRoot(id: number, node: string): string {
  return `/${PARENT}/${id}-${node}`;
}

interface Hierarchy {
  mountPoint: string;
  version: 1 | 2;
}

/** From the text of /proc/self/mountinfo, see proc_pid_mountinfo(5). */
export function hierarchies(mountinfo: string): Hierarchy[] {
  return mountinfo.split('\n').flatMap((line): Hierarchy[] => {
    const [before = '', after = ''] = line.split(' - ');
    const [mountPoint, type] = [before.split(' ')[4], after.split(' ')[0]];
    if (mountPoint === undefined || (type !== 'cgroup' && type !== 'cgroup2')) return [];
    return [{ mountPoint, version: type === 'cgroup' ? 1 : 2 }];
  });
}

function ownHierarchies(): Hierarchy[] {
  return hierarchies(readFileSync('/proc/self/mountinfo', 'utf8'));
}

/** A group takes no process before its cpuset is filled in (version 1), or gives its children no controller that it was not told to (version 2). */
export async function makeCgroups(root: string): Promise<void> {
  for (const { mountPoint, version } of ownHierarchies()) {
    for (const group of [PARENT, root]) {
      const [dir, above] = [join(mountPoint, group), join(mountPoint, group, '..')];
      if (version === 2) await delegate(above);
      await mkdir(dir, { recursive: true });
      if (version === 1) {
        for (const file of ['cpuset.cpus', 'cpuset.mems'])
          if (existsSync(join(dir, file))) await writeFile(join(dir, file), await readFile(join(above, file)));
      }
    }
  }
}

async function delegate(dir: string): Promise<void> {
  const controllers = (await readFile(join(dir, 'cgroup.controllers'), 'utf8')).split(/\s+/).filter(Boolean);
  if (controllers.length > 0) await writeFile(join(dir, 'cgroup.subtree_control'), controllers.map((name) => `+${name}`).join(' '));
}

/** Removes the group and all below it. Its processes must have ended; the kernel may take a moment to see that. */
export async function removeCgroups(root: string): Promise<void> {
  for (const { mountPoint } of ownHierarchies()) {
    await removeTree(join(mountPoint, root));
    // Another cluster's groups may be beside it.
    await rmdir(join(mountPoint, PARENT)).catch(() => {});
  }
}

/** Removes what a cluster of this number left here that was killed with its process; nothing of it runs any more. */
export async function sweepCgroups(id: number): Promise<void> {
  for (const { mountPoint } of ownHierarchies()) {
    const parent = join(mountPoint, PARENT);
    const left = existsSync(parent) ? readdirSync(parent).filter((group) => group.startsWith(`${id}-`)) : [];
    for (const group of left) await removeTree(join(parent, group));
  }
}

async function removeTree(dir: string, deadline = performance.now() + 5_000): Promise<void> {
  if (!existsSync(dir)) return;
  for (const entry of readdirSync(dir, { withFileTypes: true })) if (entry.isDirectory()) await removeTree(join(dir, entry.name), deadline);
  for (;;) {
    try {
      return await rmdir(dir);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || performance.now() > deadline) throw error;
      await sleep(20);
    }
  }
}
