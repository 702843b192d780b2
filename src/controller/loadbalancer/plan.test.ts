import { describe, expect, test } from '@jest/globals';
import { Model } from '../../../test/support/model.ts';
import { conditionOf, GOALS } from '../../api/index.ts';
import { CHECKS } from './goals.ts';

const condition = (model: Model, type: string) => conditionOf(model.status.conditions, type);
const isActive = (model: Model) =>
  condition(model, 'Ready')?.status === 'True' && model.amphorae.size === (model.status.topology === 'SINGLE' ? 1 : 2);
const neverWithout = (model: Model) => {
  if (model.serving().length === 0) throw new Error(`nothing serves: ${JSON.stringify(model.last?.verdict)}`);
};

function active(flavorId = 'small', extra: ConstructorParameters<typeof Model>[0] = {}): Model {
  const model = new Model(
    {
      small: {},
      large: {},
      huge: {},
      ha: { topology: 'ACTIVE_STANDBY' },
      hb: { topology: 'ACTIVE_STANDBY' },
      broken: { broken: true },
      off: { enabled: false },
      ...extra,
    },
    flavorId,
  );
  model.until(isActive);
  return model;
}

const want = (model: Model, flavorId: string | undefined) =>
  model.edit((lb) => {
    lb.spec.flavorId = flavorId;
  });
const annotate = (model: Model, key: string, token: string) =>
  model.edit((lb) => {
    lb.metadata.annotations = { ...lb.metadata.annotations, [`reflavor.dev/${key}`]: token };
  });
const step = (goal: string) => (model: Model) => model.status.operation?.step === goal && !model.status.operation.finishedAt;

describe('the goals', () => {
  test('stand in the order in which nothing is lost', () => {
    expect(GOALS).toEqual(['Accepted', 'Recorded', 'Built', 'Configured', 'Verified', 'Attached', 'Detached', 'Committed']);
    expect(CHECKS.map((c) => c.name)).toEqual(GOALS.slice(0, -1));
  });
});

describe('a new load balancer', () => {
  test('becomes active with the flavor that it names', () => {
    const model = active();
    expect(model.status).toMatchObject({ flavorId: 'small', topology: 'SINGLE', provisioningStatus: 'ACTIVE', operatingStatus: 'ONLINE' });
    expect(model.vip).toEqual([80]);
    expect(condition(model, 'Resizing')).toMatchObject({ status: 'False', reason: 'NeverResized' });
  });

  test('is refused without a flavor, and nothing is made', () => {
    const model = new Model({ small: {} }, 'small');
    want(model, undefined);
    for (let i = 0; i < 5; i++) model.round();
    expect(condition(model, 'Stalled')).toMatchObject({ reason: 'FlavorRequired' });
    expect(model.amphorae.size).toBe(0);
  });

  test('whose flavor cannot boot is tried again by itself, and takes another flavor at once', () => {
    const model = new Model({ broken: { broken: true }, small: {} }, 'broken');
    model.until((m) => m.status.operation?.result === 'Failed' && m.status.operation.finishedAt !== undefined && m.amphorae.size === 0);
    model.round();
    expect(model.status.provisioningStatus).toBe('ERROR');
    expect(condition(model, 'Ready')?.message).toContain('The image is not to be had.');
    model.until((m) => m.status.operation!.attempt >= 2);
    want(model, 'small');
    model.until(isActive);
    expect(model.status.flavorId).toBe('small');
  });
});

describe('a resize', () => {
  test('never leaves the VIP without an amphora, and writes the flavor last', () => {
    const model = active();
    want(model, 'large');
    const seen: string[] = [];
    model.until(
      (m) => m.status.flavorId === 'large' && isActive(m),
      400,
      (m) => {
        neverWithout(m);
        if (m.status.flavorId === 'small' && m.status.resize && seen.at(-1) !== m.status.resize) seen.push(m.status.resize);
        if (m.status.flavorId === 'large') expect(m.serving().every((a) => a.spec.flavorId === 'large')).toBe(true);
      },
    );
    expect(seen).toEqual(['Recorded 2/8', 'Built 3/8', 'Verified 5/8', 'Attached 6/8', 'Detached 7/8'].filter((s) => seen.includes(s)));
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(model.status.operation).toMatchObject({ kind: 'Resize', from: 'small', to: 'large', result: 'Succeeded', progress: '8/8' });
    expect(model.status.operation!.goals!.map((g) => g.name)).toEqual([...GOALS]);
  });

  test('of a pair never has less than a pair attached', () => {
    const model = active('ha');
    want(model, 'hb');
    model.until(
      (m) => m.status.flavorId === 'hb' && isActive(m),
      400,
      (m) => expect(m.serving().length).toBeGreaterThanOrEqual(2),
    );
    expect([...model.amphorae.values()].map((a) => a.object.spec.role).sort()).toEqual(['BACKUP', 'MASTER']);
  });

  test.each(['Built', 'Configured', 'Verified', 'Attached', 'Detached'])('cancelled at %s leaves the old flavor in force', (goal) => {
    const model = active();
    want(model, 'large');
    const order = GOALS.indexOf(goal as (typeof GOALS)[number]);
    model.until(
      (m) => m.status.operation?.kind === 'Resize' && GOALS.indexOf(m.status.operation.step ?? 'Accepted') >= order,
      400,
      neverWithout,
    );
    want(model, 'small');
    model.until((m) => m.status.operation?.result === 'Cancelled' && isActive(m), 400, neverWithout);
    expect(model.status.flavorId).toBe('small');
    expect(condition(model, 'Resizing')).toMatchObject({ status: 'False', reason: 'ResizeCancelled' });
  });

  test('to a third flavor in the middle supersedes', () => {
    const model = active();
    want(model, 'large');
    model.until(step('Detached'), 400, neverWithout);
    want(model, 'huge');
    model.until((m) => m.status.flavorId === 'huge' && isActive(m), 800, neverWithout);
    expect(model.status.history?.some((o) => o.to === 'large' && o.result === 'Superseded')).toBe(true);
  });

  test('to a flavor that cannot boot ends in ERROR, the old one in force, and a retry after the repair goes through', () => {
    const model = active();
    want(model, 'broken');
    model.until((m) => m.status.provisioningStatus === 'ERROR' && m.amphorae.size === 1, 400, neverWithout);
    for (let i = 0; i < 50; i++) model.round();
    expect(model.status).toMatchObject({ flavorId: 'small', provisioningStatus: 'ERROR', failedFlavorId: 'broken' });
    expect(condition(model, 'Available')?.status).toBe('True');
    expect(condition(model, 'Stalled')?.message).toContain('The image is not to be had.');
    model.flavors.set('broken', {});
    annotate(model, 'retry', 'r1');
    model.until((m) => m.status.flavorId === 'broken' && isActive(m), 400, neverWithout);
    expect(model.status.operation).toMatchObject({ attempt: 2 });
    expect(model.status.provisioningStatus).toBe('ACTIVE');
  });

  test('that failed is forgotten when the flavor is set back', () => {
    const model = active();
    want(model, 'broken');
    model.until((m) => m.status.provisioningStatus === 'ERROR' && m.amphorae.size === 1);
    want(model, 'small');
    model.until(isActive);
    expect(model.status.provisioningStatus).toBe('ACTIVE');
    expect(model.status.failedFlavorId).toBeUndefined();
  });

  test.each([
    ['off', 'FlavorDisabled'],
    ['ha', 'TopologyChange'],
    ['none', 'FlavorNotFound'],
  ])('to %s is refused before anything starts', (flavor, reason) => {
    const model = active();
    const before = model.status.lastOperationNumber;
    want(model, flavor);
    for (let i = 0; i < 5; i++) model.round();
    expect(condition(model, 'Stalled')).toMatchObject({ reason });
    expect(condition(model, 'Available')?.status).toBe('True');
    expect(model.status).toMatchObject({ flavorId: 'small', provisioningStatus: 'ACTIVE', lastOperationNumber: before });
    expect(model.amphorae.size).toBe(1);
  });

  test('is rolled back at its deadline, but not by an operator that was away', () => {
    const model = active();
    model.refused.add('never');
    want(model, 'large');
    model.until(step('Detached'), 400, neverWithout);
    model.now += 3_600_000;
    model.restart();
    model.until((m) => m.status.flavorId === 'large' && isActive(m), 400, neverWithout);
  });

  test('waits, and does not fail, while HAProxy refuses an edit', () => {
    const model = active();
    model.edition = 'bad';
    model.refused.add('bad');
    want(model, 'large');
    for (let i = 0; i < 3000; i++) {
      model.round();
      neverWithout(model);
    }
    expect(model.status.operation?.result).toBeUndefined();
    expect(condition(model, 'Resizing')?.status).toBe('True');
    model.edition = 'good';
    model.until((m) => m.status.flavorId === 'large' && isActive(m), 400, neverWithout);
  });

  test('stands still while suspended and goes on after', () => {
    const model = active();
    want(model, 'large');
    model.until(step('Attached'));
    model.edit((lb) => {
      lb.spec.suspend = true;
    });
    model.now += 7_200_000;
    for (let i = 0; i < 5; i++) model.round();
    expect(model.status.flavorId).toBe('small');
    expect(condition(model, 'Ready')).toMatchObject({ reason: 'Suspended' });
    model.edit((lb) => {
      lb.spec.suspend = false;
    });
    model.until((m) => m.status.flavorId === 'large' && isActive(m), 400, neverWithout);
  });
});

describe('a loss', () => {
  test('of the only amphora builds another by itself', () => {
    const model = active();
    const [name] = model.amphorae.keys();
    model.lose(name!);
    model.until((m) => isActive(m) && !m.amphorae.has(name!));
    expect(model.status.operation).toMatchObject({ kind: 'Failover', result: 'Succeeded' });
  });

  test('of the active half promotes the survivor and replaces only the lost half', () => {
    const model = active('ha');
    const [lost, survivor] = [...model.amphorae.values()].map((a) => a.object).sort((a, b) => a.spec.slot - b.spec.slot);
    model.lose(lost!.metadata.name);
    model.until((m) => isActive(m) && !m.amphorae.has(lost!.metadata.name), 400, neverWithout);
    expect(model.amphorae.get(survivor!.metadata.name)?.object.spec.role).toBe('MASTER');
    expect([...model.amphorae.values()].find((a) => a.object.metadata.name !== survivor!.metadata.name)?.object.spec.role).toBe('BACKUP');
  });

  test('works after the Flavor is gone or disabled', () => {
    const model = active();
    model.flavors.delete('small');
    model.lose([...model.amphorae.keys()][0]!);
    model.until((m) => m.status.operation?.kind === 'Failover' && isActive(m));
  });

  test('of the old amphora in a resize lets the resize go on', () => {
    const model = active();
    want(model, 'large');
    model.until(step('Built'));
    model.lose([...model.amphorae.keys()][0]!);
    model.until((m) => m.status.flavorId === 'large' && isActive(m));
  });

  test('of the new amphora, once it serves alone, brings the old one back at once', () => {
    const model = active();
    want(model, 'large');
    model.until((m) => step('Detached')(m) && m.serving().length === 1);
    const fresh = model.serving()[0]!;
    expect(fresh.spec.flavorId).toBe('large');
    model.lose(fresh.metadata.name);
    model.until((m) => m.serving().some((a) => a.spec.flavorId === 'small'), 4);
    model.until((m) => m.status.flavorId === 'large' && isActive(m), 800);
  });
});

describe('requests and restores', () => {
  test('a failover asked for by annotation replaces the amphora once', () => {
    const model = active();
    const [before] = model.amphorae.keys();
    annotate(model, 'failover', 'f1');
    model.until((m) => isActive(m) && !m.amphorae.has(before!), 400, neverWithout);
    const { number } = model.status.operation!;
    for (let i = 0; i < 50; i++) model.round();
    expect(model.status.operation?.number).toBe(number);
    expect(model.status.handledRequests?.failover).toBe('f1');
  });

  test('a failover clears ERROR, while Ready stays False as long as wanted and in force differ', () => {
    const model = active();
    want(model, 'broken');
    model.until((m) => m.status.provisioningStatus === 'ERROR' && m.amphorae.size === 1);
    annotate(model, 'failover', 'f1');
    model.until(
      (m) => m.status.operation?.kind === 'Failover' && m.status.operation.finishedAt !== undefined && m.amphorae.size === 1,
      400,
      neverWithout,
    );
    for (let i = 0; i < 20; i++) model.round();
    expect(model.status).toMatchObject({ flavorId: 'small', provisioningStatus: 'ACTIVE' });
    expect(condition(model, 'Ready')?.status).toBe('False');
  });

  test('a lost status is rebuilt from the amphorae, and no number is used twice', () => {
    const model = active();
    const [name] = model.amphorae.keys();
    model.loadBalancer!.status = { observedGeneration: -1 };
    model.until(isActive, 400, neverWithout);
    expect([...model.amphorae.keys()]).toEqual([name]);
    want(model, 'large');
    model.until((m) => m.status.flavorId === 'large' && isActive(m), 400, neverWithout);
    expect(model.status.operation?.number).toBe(2);
  });

  test('a deleted load balancer takes its amphorae along', () => {
    const model = active('ha');
    model.edit((lb) => {
      lb.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    });
    model.until((m) => m.loadBalancer === undefined);
    for (const name of [...model.amphorae.keys()]) model.tick(name);
    expect(model.amphorae.size).toBe(0);
    expect(model.vip).toBeUndefined();
  });
});
