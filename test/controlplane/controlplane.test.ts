import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { attachControlPlane } from '../../tools/controlplane.ts';
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

  test('is found again by its folder, and not once it was stopped', async () => {
    const { dir, pids } = controlPlane;
    const attached = await attachControlPlane({ dir });
    expect(attached?.pids).toEqual(pids);
    await attached?.stop();
    await eventually(() => expect(Object.values(pids).filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]));
    expect(await attachControlPlane({ dir })).toBeUndefined();
  });
});
