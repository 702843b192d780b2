import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { HttpKubeClient } from '../../../src/kube/http-client.ts';
import { connect } from '../../../src/kube/index.ts';
import type { KubeObject } from '../../../src/kube/types.ts';
import { type EventContent, KubeEventRecorder } from '../../../src/notify/events.ts';
import { useControlPlane } from '../../support/controlplane.ts';
import { configMap, configMaps, events, namespaces } from '../../support/core-resources.ts';
import { eventually } from '../../support/eventually.ts';

interface KubeEvent extends KubeObject {
  reason: string;
  note: string;
  regarding: { name: string; uid: string };
  series?: { count: number };
}

const resized: EventContent = { type: 'Normal', reason: 'Resized', action: 'Resize', note: 'Runs on flavor large.' };

describe('event recorder', () => {
  const controlPlane = useControlPlane();
  let client: HttpKubeClient;
  const newRecorder = (options = {}) =>
    new KubeEventRecorder({ client, controller: 'reflavor.dev/operator', instance: 'test', ...options });
  const newObject = () => client.create(configMaps, configMap(`web-${crypto.randomUUID().slice(0, 8)}`));
  const eventsOf = async (object: KubeObject) =>
    (await client.listAll<KubeEvent>(events)).items.filter((event) => event.regarding.uid === object.metadata.uid);

  beforeAll(() => {
    client = connect({ kubeconfig: controlPlane.kubeconfigPath });
  });
  afterAll(() => client.close());

  test('what is recorded is seen in kubectl describe', async () => {
    const object = await newObject();
    const recorder = newRecorder();
    recorder.record(object, resized);
    await recorder.close(5000);
    const text = await controlPlane.kubectl(['describe', 'configmap', object.metadata.name]);
    expect(text).toMatch(/Normal\s+Resized\s+.*reflavor\.dev\/operator\s+Runs on flavor large\./);
  });

  test('the same again raises the count of one event', async () => {
    const object = await newObject();
    const recorder = newRecorder();
    recorder.record(object, resized);
    await eventually(async () => expect(await eventsOf(object)).toHaveLength(1));
    for (let i = 0; i < 9; i++) recorder.record(object, resized);
    recorder.record(object, { ...resized, note: 'Runs on flavor small.' });
    await recorder.close(5000);
    const seen = await eventsOf(object);
    expect(seen.map(({ note, series }) => [note, series?.count]).sort()).toEqual([
      ['Runs on flavor large.', 10],
      ['Runs on flavor small.', undefined],
    ]);
  });

  test('an event that the server has forgotten is written anew', async () => {
    const object = await newObject();
    const recorder = newRecorder();
    recorder.record(object, resized);
    const [event] = await eventually(async () => {
      const seen = await eventsOf(object);
      expect(seen).toHaveLength(1);
      return seen;
    });
    await client.delete(events, event!.metadata);
    recorder.record(object, resized);
    await eventually(async () => expect((await eventsOf(object)).map(({ series }) => series?.count)).toEqual([2]));
    await recorder.close(5000);
  });

  test('a cluster-wide object’s events are in the namespace default', async () => {
    const namespace = await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team-x' } });
    const recorder = newRecorder();
    recorder.record(namespace, resized);
    await recorder.close(5000);
    expect((await eventsOf(namespace)).map(({ metadata }) => metadata.namespace)).toEqual(['default']);
  });

  test('a note that is too long is cut between characters', async () => {
    const object = await newObject();
    const recorder = newRecorder();
    recorder.record(object, { ...resized, note: 'ü'.repeat(2000) });
    await recorder.close(5000);
    const [event] = await eventsOf(object);
    expect(event!.note).toMatch(/^ü+…$/);
    expect(Buffer.byteLength(event!.note)).toBeLessThanOrEqual(1024);
    expect(Buffer.byteLength(event!.note)).toBeGreaterThan(1018);
  });

  test('what the server refuses is dropped, and the next event is written', async () => {
    const object = await newObject();
    const recorder = newRecorder();
    recorder.record(object, { ...resized, reason: '' });
    recorder.record(object, resized);
    await recorder.close(5000);
    expect((await eventsOf(object)).map(({ reason }) => reason)).toEqual(['Resized']);
  });

  test('while the API server is away, what is recorded waits, up to the capacity', async () => {
    const object = await newObject();
    await controlPlane.stopApiServer();
    const recorder = newRecorder({ capacity: 3 });
    for (let i = 0; i < 10; i++) recorder.record(object, { ...resized, note: `number ${i}` });
    expect(recorder.dropped).toBeGreaterThanOrEqual(6);
    await eventually(() => controlPlane.startApiServer(), { withinMs: 30_000 });
    await eventually(async () => expect((await eventsOf(object)).length).toBeGreaterThanOrEqual(3), { withinMs: 20_000 });
    await recorder.close(1000);
  }, 90_000);
});
