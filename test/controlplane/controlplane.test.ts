import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { attachControlPlane, type ControlPlane, startControlPlane } from '../../tools/controlplane.ts';
import { useControlPlane } from '../support/controlplane.ts';
import { eventually } from '../support/eventually.ts';

describe('the embedded control plane', () => {
  const controlPlane = useControlPlane();

  test('answers an administrator', async () => {
    const namespaces = await controlPlane.kubectl(['get', 'namespaces', '-o', 'name']);
    expect(namespaces.trim().split('\n')).toContain('namespace/default');
  });

  test('is the Kubernetes version that tools/go.mod names', async () => {
    const { serverVersion } = JSON.parse(await controlPlane.kubectl(['version', '-o', 'json'])) as {
      serverVersion: { gitVersion: string };
    };
    expect(serverVersion.gitVersion).toMatch(/^v1\.\d+\.\d+$/);
  });

  test('gives a user no more than RBAC does', async () => {
    const kubeconfig = await controlPlane.userKubeconfig({ user: 'jo@example.org', groups: ['readers'] });
    await expect(controlPlane.kubectl(['get', 'configmaps'], { kubeconfig })).rejects.toThrow(/User "jo@example.org" cannot list resource/);
    await controlPlane.kubectl(['create', 'role', 'read', '--verb=get,list', '--resource=configmaps']);
    await controlPlane.kubectl(['create', 'rolebinding', 'readers', '--role=read', '--group=readers']);
    await eventually(() => controlPlane.kubectl(['get', 'configmaps'], { kubeconfig }));
    await expect(controlPlane.kubectl(['create', 'configmap', 'mine'], { kubeconfig })).rejects.toThrow(/cannot create resource/);
  });

  test('keeps its objects and its address through a crash of the API server', async () => {
    await controlPlane.kubectl(['create', 'configmap', 'kept']);
    const { url, pids } = controlPlane;
    await controlPlane.stopApiServer('SIGKILL');
    await expect(controlPlane.kubectl(['get', 'configmap', 'kept'])).rejects.toThrow(/refused/);
    await controlPlane.startApiServer();
    expect(await controlPlane.kubectl(['get', 'configmap', 'kept', '-o', 'name'])).toBe('configmap/kept\n');
    expect(controlPlane.url).toBe(url);
    expect(controlPlane.pids.etcd).toBe(pids.etcd);
    expect(controlPlane.pids.kubeApiserver).not.toBe(pids.kubeApiserver);
  });

  test('carries on in its folder: same objects, and other ports when its own was taken meanwhile', async () => {
    await controlPlane.kubectl(['create', 'configmap', 'carried']);
    await controlPlane.stop();
    const port = Number(new URL(controlPlane.url).port);
    const squatter = createServer().listen(port, '127.0.0.1');
    await once(squatter, 'listening');
    const lines: string[] = [];
    const again = await startControlPlane({ dir: controlPlane.dir, log: (line) => lines.push(line) });
    squatter.close();
    expect(again.url).not.toBe(controlPlane.url);
    expect(lines).toEqual(['a port was taken meanwhile, trying others (1/5)']);
    expect(await controlPlane.kubectl(['get', 'configmap', 'carried', '-o', 'name'])).toBe('configmap/carried\n');
  });

  test('is found again by its folder, and not once it was stopped', async () => {
    const { dir } = controlPlane;
    const attached = (await attachControlPlane({ dir })) as ControlPlane;
    expect(await controlPlane.kubectl(['get', 'namespace', 'default', '-o', 'name'])).toBe('namespace/default\n');
    const { pids } = attached;
    await attached.stop();
    await eventually(() => expect(Object.values(pids).filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]));
    expect(await attachControlPlane({ dir })).toBeUndefined();
  });
});
