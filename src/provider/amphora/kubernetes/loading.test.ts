import { describe, expect, test } from '@jest/globals';
import { ConfigurationRefused } from '../driver.ts';
import { loadFiles } from './loading.ts';

/**
 * A pod whose kubelet brings the new files in before the reload number `arriveAt`; `refuses` says what HAProxy does with old ones, with new ones, and
 * with some of both, which the reload before finds.
 */
function buildPodThat({ arriveAt = 1, refuses = {} }: { arriveAt?: number; refuses?: { old?: string; both?: string; new?: string } }) {
  const told = { reloads: 0, tookOld: 0, nudges: 0 };
  const hasNew = () => told.reloads >= arriveAt;
  return {
    told,
    load: (doubtRefusal = false, signal?: AbortSignal) =>
      loadFiles({
        control: {
          reload: async () => {
            told.reloads++;
            const found = told.reloads === arriveAt - 1 ? refuses.both : refuses.old;
            const alert = hasNew() ? refuses.new : found;
            if (alert !== undefined) throw new ConfigurationRefused(alert);
            return told.reloads;
          },
        },
        isLoaded: async () => hasNew(),
        nudge: async (times) => {
          told.nudges = times;
        },
        tookOld: async () => {
          told.tookOld++;
        },
        doubtRefusal,
        signal,
      }),
  };
}

describe('loading what the kubelet brings', () => {
  test('takes one reload when the files are there', async () => {
    const { load, told } = buildPodThat({});
    await load();
    expect(told).toEqual({ reloads: 1, tookOld: 0, nudges: 0 });
  });

  test('is tried again when a reload found the old files, whose members are put right', async () => {
    const { load, told } = buildPodThat({ arriveAt: 3 });
    await load();
    expect(told).toMatchObject({ reloads: 3, tookOld: 2 });
  });

  test('tells a slow kubelet once more', async () => {
    const { load, told } = buildPodThat({ arriveAt: 8 });
    await load();
    expect(told.nudges).toBeGreaterThan(0);
  });

  test('ends with a refusal that the next look confirms', async () => {
    const { load, told } = buildPodThat({ refuses: { new: 'no such rule' } });
    await expect(load()).rejects.toThrow('no such rule');
    expect(told.reloads).toBe(2);
  });

  test('is tried again when the files were swapped while HAProxy read them', async () => {
    const { load, told } = buildPodThat({ arriveAt: 3, refuses: { both: 'no such file' } });
    await load();
    expect(told).toMatchObject({ reloads: 3, tookOld: 1 });
  });

  test('takes no refusal of files that were refused before for one of the new ones', async () => {
    const { load, told } = buildPodThat({ arriveAt: 3, refuses: { old: 'the old fault', both: 'the old fault' } });
    await load(true);
    expect(told).toMatchObject({ reloads: 3, tookOld: 0 });
  });

  test('ends soon on the signal', async () => {
    const { load } = buildPodThat({ arriveAt: Number.POSITIVE_INFINITY });
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('stop now')), 500);
    await expect(load(false, stop.signal)).rejects.toThrow();
  });
});
