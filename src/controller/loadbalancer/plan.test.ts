import { describe, expect, test } from '@jest/globals';
import { Model } from '../../../test/support/model.ts';
import { conditionOf, GOALS, isAwaitingOperator } from '../../api/index.ts';
import { unseenStatus } from '../amphora/status.ts';
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

  test('are the same, in the same order, for a create, a resize and a failover', () => {
    const model = active();
    want(model, 'large');
    model.until((m) => m.status.flavorId === 'large' && isActive(m), 400, neverWithout);
    annotate(model, 'failover', 'f1');
    model.until((m) => m.status.operation?.kind === 'Failover' && m.status.operation.result === 'Succeeded', 400, neverWithout);
    const { operation, history = [] } = model.status;
    expect([operation, ...history].map((o) => ({ kind: o!.kind, goals: o!.goals?.map(({ name }) => name) }))).toEqual(
      ['Failover', 'Resize', 'Create'].map((kind) => ({ kind, goals: [...GOALS] })),
    );
  });
});

describe('a new load balancer', () => {
  test('becomes active with the flavor that it names', () => {
    const model = active();
    expect(model.status).toMatchObject({ flavorId: 'small', topology: 'SINGLE', provisioningStatus: 'ACTIVE', operatingStatus: 'ONLINE' });
    expect(model.vip).toEqual([80]);
    expect(condition(model, 'Resizing')).toMatchObject({ status: 'False', reason: 'NeverResized' });
  });

  test('whose status was lost while it was created is cleared of what was made, also where its flavor is refused by now', () => {
    const model = new Model({ small: {} }, 'small');
    model.until((m) => m.amphorae.size === 1);
    model.loadBalancer!.status = { observedGeneration: -1 };
    model.flavors.clear();
    model.until((m) => m.amphorae.size === 0);
    expect(condition(model, 'Stalled')).toMatchObject({ status: 'True', reason: 'FlavorNotFound' });
  });

  test('is refused without a flavor, and nothing is made', () => {
    const model = new Model({ small: {} }, 'small');
    want(model, undefined);
    for (let i = 0; i < 5; i++) model.round();
    expect(condition(model, 'Stalled')).toMatchObject({ reason: 'FlavorRequired' });
    expect(model.amphorae.size).toBe(0);
  });

  test('whose flavor is refused answers a retry all the same', () => {
    const model = new Model({ small: {} }, 'none');
    annotate(model, 'retry', 'r1');
    for (let i = 0; i < 5; i++) model.round();
    expect(condition(model, 'Stalled')).toMatchObject({ reason: 'FlavorNotFound' });
    expect(isAwaitingOperator(model.loadBalancer!)).toBe(false);
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

  test('waits at Verified until the new amphora has checked every member, and sees each up that the old one does', () => {
    const model = active();
    const fresh = () => [...model.amphorae.values()].find(({ object }) => object.spec.flavorId === 'large');
    const waitsSaying = (words: string) => {
      model.until((m) => m.status.operation?.message?.includes(words) === true, 400, neverWithout);
      for (let i = 0; i < 20; i++) model.round();
      expect(model.status.operation).toMatchObject({ step: 'Verified', message: expect.stringContaining(words) });
      expect(fresh()!.object.spec.steering).toBe('Detached');
    };
    const old = [...model.amphorae.values()][0]!.fact;
    old.down = ['10.0.0.1'];
    want(model, 'large');
    while (!fresh()) model.visit();
    Object.assign(fresh()!.fact, { unchecked: 2, down: ['10.0.0.1', '10.0.0.2'] });
    waitsSaying('Waiting for the first health check of 2 members by amphora');
    fresh()!.fact.unchecked = 0;
    waitsSaying('Member 10.0.0.2:8080 of pool web is up for the present amphora but not for the new one');
    fresh()!.fact.down = ['10.0.0.1'];
    model.until((m) => m.status.flavorId === 'large' && isActive(m), 400, neverWithout);
  });

  test('is not held up by members that are checked anew once the new amphora takes traffic', () => {
    const model = active();
    want(model, 'large');
    model.until(step('Detached'), 400, neverWithout);
    for (const { fact } of model.amphorae.values()) fact.unchecked = 3;
    model.until((m) => m.status.flavorId === 'large' && isActive(m), 400, neverWithout);
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

  test('that failed and is asked for again is answered although it is refused, and begun as soon as it may be', () => {
    const model = active();
    want(model, 'broken');
    model.until((m) => m.status.provisioningStatus === 'ERROR' && m.amphorae.size === 1);
    model.flavors.set('broken', { enabled: false });
    annotate(model, 'retry', 'r1');
    for (let i = 0; i < 5; i++) model.round();
    expect(model.status).toMatchObject({ resize: 'Refused', flavorId: 'small', handledRequests: { retry: 'r1' } });
    expect(condition(model, 'Stalled')).toMatchObject({ reason: 'FlavorDisabled' });
    expect(isAwaitingOperator(model.loadBalancer!)).toBe(false);
    model.flavors.set('broken', {});
    model.until((m) => m.status.flavorId === 'broken' && isActive(m), 400, neverWithout);
    expect(model.status.operation).toMatchObject({ attempt: 2 });
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

  test('goes on when a new amphora that has run ends and is started again, whatever it said', () => {
    const model = active();
    want(model, 'large');
    model.until(step('Attached'), 400, neverWithout);
    const fresh = [...model.amphorae.values()].find(({ object }) => object.spec.flavorId === 'large')!;
    fresh.fact.running = false;
    model.hinder('large', { reason: 'AmphoraBootFailed', message: 'HAProxy ended: worker exited with code 139' });
    for (let i = 0; i < 3; i++) model.round();
    expect(model.status.operation).toMatchObject({ to: 'large', message: expect.stringContaining('exited with code 139') });
    expect(model.status.operation?.result).toBeUndefined();
    model.hinder('large', undefined);
    model.until((m) => m.status.flavorId === 'large', 400, neverWithout);
    expect(model.status.operation).toMatchObject({ number: 2, result: 'Succeeded' });
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

  test('is named with its cause by the failover that follows', () => {
    const model = active();
    const [name] = model.amphorae.keys();
    model.lose(name!, { reason: 'Evicted', message: 'The node had too little memory' });
    model.until((m) => m.status.operation?.kind === 'Failover');
    const message = `Amphora ${name} was lost: The node had too little memory.`;
    expect(model.status.operation!.cause).toEqual({ reason: 'AmphoraLost', message });
    model.until(isActive);
    model.deleteAmphora([...model.amphorae.keys()][0]!);
    model.until((m) => m.status.operation?.number === 3);
    expect(model.status.operation!.cause!.message).toMatch(/was lost: its object was deleted\.$/);
  });

  test('of the active half promotes the survivor and replaces only the lost half', () => {
    const model = active('ha');
    const [lost, survivor] = [...model.amphorae.values()].map((a) => a.object).sort((a, b) => a.spec.slot - b.spec.slot);
    model.lose(lost!.metadata.name);
    model.until((m) => isActive(m) && !m.amphorae.has(lost!.metadata.name), 400, neverWithout);
    expect(model.amphorae.get(survivor!.metadata.name)?.object.spec.role).toBe('MASTER');
    expect([...model.amphorae.values()].find((a) => a.object.metadata.name !== survivor!.metadata.name)?.object.spec.role).toBe('BACKUP');
  });

  test('of half a pair leaves a pair, though the failover fails once its new half serves', () => {
    const model = active('ha');
    model.lose([...model.amphorae.keys()][0]!);
    model.until((m) => m.serving().length === 2 && m.status.operation?.kind === 'Failover', 400, neverWithout);
    expect(model.status.operation?.finishedAt).toBeUndefined();
    model.status.operation!.result = 'Failed';
    for (let i = 0; i < 40; i++) {
      model.round();
      expect(model.serving()).toHaveLength(2);
    }
    expect(model.status).toMatchObject({ provisioningStatus: 'ACTIVE', history: [{ number: 2, result: 'Failed' }, { number: 1 }] });
    expect(model.amphorae.size).toBe(2);
    expect(
      model
        .serving()
        .map(({ spec }) => spec.role)
        .sort(),
    ).toEqual(['BACKUP', 'MASTER']);
  });

  test('that mends itself leaves no error behind, though the failover failed', () => {
    const model = active();
    const [name] = model.amphorae.keys();
    model.hinder('small', { reason: 'Unschedulable', message: 'no node has room' });
    model.edit((lb) => {
      lb.spec.strategy.progressDeadlineSeconds = 10;
    });
    model.lose(name!);
    model.until((m) => m.status.provisioningStatus === 'ERROR');
    model.heal(name!);
    model.until((m) => isActive(m) && m.status.provisioningStatus === 'ACTIVE');
    expect([...model.amphorae.keys()]).toEqual([name]);
    expect(model.status.history?.[0]).toMatchObject({ kind: 'Failover', result: 'Failed' });
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

describe('a disruption', () => {
  const only = (model: Model) => [...model.amphorae.values()].map((a) => a.object);

  test('of the only amphora makes it give way to one elsewhere, which serves before it goes', () => {
    const model = active();
    const name = only(model)[0]!.metadata.name;
    model.disrupt(name);
    model.until((m) => isActive(m) && !m.amphorae.has(name), 400, neverWithout);
    const { operation, flavorId } = model.status;
    expect(flavorId).toBe('small');
    expect(operation).toMatchObject({ kind: 'Failover', result: 'Succeeded', replaces: [name] });
    expect(operation!.cause).toEqual({
      reason: 'AmphoraDisrupted',
      message: `Amphora ${name} is to leave the place where it runs: Node n1 is cordoned.`,
    });
  });

  test('of the active half of a pair replaces both, since two active ones would be left otherwise', () => {
    const model = active('ha');
    const [master, backup] = only(model).sort((a, b) => a.spec.slot - b.spec.slot);
    model.disrupt(master!.metadata.name);
    model.until((m) => isActive(m) && !m.amphorae.has(master!.metadata.name), 400, neverWithout);
    expect(model.amphorae.has(backup!.metadata.name)).toBe(false);
    expect(only(model).map((a) => a.spec.role)).toEqual(['MASTER', 'BACKUP']);
  });

  test('of the standby half of a pair replaces that alone', () => {
    const model = active('ha');
    const [master, backup] = only(model).sort((a, b) => a.spec.slot - b.spec.slot);
    model.disrupt(backup!.metadata.name);
    model.until((m) => isActive(m) && !m.amphorae.has(backup!.metadata.name), 400, neverWithout);
    expect(only(model).map((a) => [a.metadata.name === master!.metadata.name, a.spec.role])).toEqual([
      [true, 'MASTER'],
      [false, 'BACKUP'],
    ]);
  });

  test('is tried again, later each time, while no other place has room; what serves goes on', () => {
    const model = active();
    const name = only(model)[0]!.metadata.name;
    model.hinder('small', { reason: 'Unschedulable', message: '0/2 nodes are available: 2 Insufficient cpu.' });
    model.edit((lb) => {
      lb.spec.strategy.progressDeadlineSeconds = 10;
    });
    model.disrupt(name);
    const failed = (attempt: number) => (m: Model) =>
      m.status.operation?.kind === 'Failover' && m.status.operation.attempt === attempt && m.status.operation.finishedAt !== undefined;
    model.until(failed(1), 400, neverWithout);
    model.round();
    expect(model.status.operation).toMatchObject({ result: 'Failed', reason: 'Unschedulable' });
    expect(condition(model, 'Ready')).toMatchObject({ status: 'False', reason: 'FailoverFailed' });
    expect(condition(model, 'Ready')?.message).toContain('2 Insufficient cpu');
    expect(condition(model, 'Available')?.status).toBe('True');
    model.until(failed(3), 400, neverWithout);
    model.hinder('small', undefined);
    model.until((m) => isActive(m) && !m.amphorae.has(name), 400, neverWithout);
  });

  test('that passes by while it could not be made way for leaves no error behind', () => {
    const model = active();
    const name = only(model)[0]!.metadata.name;
    model.hinder('small', { reason: 'Unschedulable', message: 'no node has room' });
    model.edit((lb) => {
      lb.spec.strategy.progressDeadlineSeconds = 10;
    });
    model.disrupt(name);
    model.until((m) => m.status.provisioningStatus === 'ERROR', 400, neverWithout);
    model.disrupt(name, false);
    model.until((m) => isActive(m) && m.status.provisioningStatus === 'ACTIVE', 20, neverWithout);
    expect([...model.amphorae.keys()]).toEqual([name]);
    expect(model.status.history?.[0]).toMatchObject({ kind: 'Failover', result: 'Failed' });
  });

  test('takes along one that nothing needs any more, and whose slot it fills', () => {
    const model = active();
    const [old] = model.amphorae.keys();
    model.disrupt(old!);
    model.until((m) => m.serving().length === 2, 400, neverWithout);
    const fresh = [...model.amphorae.keys()].find((name) => name !== old)!;
    model.loadBalancer!.status = { observedGeneration: -1 };
    model.lose(old!);
    model.disrupt(fresh);
    model.until((m) => isActive(m) && !m.amphorae.has(fresh), 400, neverWithout);
    expect(model.status.operation).toMatchObject({ kind: 'Failover', result: 'Succeeded', replaces: [fresh, old] });
  });

  test('that meets each new place too is not run after without a pause', () => {
    const model = active();
    const disruptAll = (m: Model) => {
      neverWithout(m);
      for (const { metadata, spec } of only(m)) if (spec.steering === 'Attached') m.disrupt(metadata.name);
    };
    const started = model.now;
    disruptAll(model);
    model.until((m) => m.now - started > 600_000, 2000, disruptAll);
    expect(model.status.lastOperationNumber).toBeLessThan(9);
    expect(condition(model, 'Available')?.status).toBe('True');
  });

  test('in the middle of a resize waits for its end', () => {
    const model = active();
    const [old] = model.amphorae.keys();
    want(model, 'large');
    model.until(step('Attached'), 400, neverWithout);
    model.disrupt(old!);
    model.until((m) => m.status.flavorId === 'large' && isActive(m), 400, neverWithout);
    expect(model.status.operation).toMatchObject({ number: 2, kind: 'Resize' });
  });

  test('of a new amphora that does not serve yet has it built anew elsewhere, and the resize goes on', () => {
    const model = active();
    want(model, 'large');
    model.until((m) => m.amphorae.size === 2, 400, neverWithout);
    const fresh = only(model).find((a) => a.spec.flavorId === 'large')!;
    const { uid } = fresh.metadata;
    model.disrupt(fresh.metadata.name);
    model.tick(fresh.metadata.name);
    model.until((m) => m.status.flavorId === 'large' && isActive(m), 400, neverWithout);
    expect(model.status.operation).toMatchObject({ number: 2, result: 'Succeeded' });
    expect(only(model)[0]!.metadata.uid).not.toBe(uid);
  });

  test('of the only amphora there is, on its way to be the first, does not keep it from serving', () => {
    const model = new Model({ small: {} }, 'small');
    model.until((m) => m.amphorae.size === 1);
    model.disrupt([...model.amphorae.keys()][0]!);
    model.until((m) => m.serving().length === 1);
  });
});

describe('an amphora that does not get started', () => {
  const scheduler = { reason: 'Unschedulable', message: '0/2 nodes are available: 2 Insufficient memory.' };

  test('for want of room is waited for until the deadline, and then the resize fails in the scheduler’s words', () => {
    const model = active();
    want(model, 'large');
    model.hinder('large', scheduler);
    model.until(step('Built'));
    model.round(60_000);
    model.until(
      (m) => condition(m, 'Ready')?.reason === 'Unschedulable' && condition(m, 'Reconciling')?.status === 'True',
      10,
      neverWithout,
    );
    model.now += 600_000;
    model.until((m) => m.status.provisioningStatus === 'ERROR' && m.amphorae.size === 1, 400, neverWithout);
    expect(model.status.operation).toMatchObject({ result: 'Failed', reason: 'Unschedulable' });
    expect(condition(model, 'Stalled')?.message).toContain('2 Insufficient memory');
  });

  test('for want of room goes on as soon as there is some', () => {
    const model = active();
    want(model, 'large');
    model.hinder('large', scheduler);
    model.until(step('Built'));
    model.round(300_000);
    model.hinder('large', undefined);
    model.until((m) => m.status.flavorId === 'large' && isActive(m), 400, neverWithout);
  });

  test('because a registry fails for some seconds does not fail the resize; for longer it does, well before the deadline', () => {
    const model = active();
    want(model, 'large');
    const cause = { reason: 'ImagePullFailed', message: 'registry.example.org answers 503.' };
    model.hinder('large', cause);
    model.until(step('Built'));
    for (let i = 0; i < 40; i++) model.round();
    expect(model.status.operation?.result).toBeUndefined();
    model.hinder('large', undefined);
    model.until((m) => m.status.flavorId === 'large' && isActive(m), 400, neverWithout);

    model.hinder('huge', cause);
    want(model, 'huge');
    model.until((m) => m.status.operation?.result === 'Failed', 100, neverWithout);
    expect(model.status.operation).toMatchObject({ reason: 'ImagePullFailed', message: cause.message });
  });

  test('because its place was lost is built anew in another', () => {
    const model = active();
    want(model, 'large');
    model.until((m) => m.amphorae.size === 2, 400, neverWithout);
    const fresh = [...model.amphorae.values()].find((a) => a.object.spec.flavorId === 'large')!;
    model.lose(fresh.object.metadata.name, { reason: 'Evicted', message: 'The node had too little memory.' });
    model.until((m) => m.status.flavorId === 'large' && isActive(m), 400, neverWithout);
    expect(model.status.operation).toMatchObject({ number: 2, result: 'Succeeded' });
  });
});

describe('a resize to an older amphora image', () => {
  const images = { new: { image: '3.2.1' }, old: { image: '3.0.11-alpine' }, newest: { image: '3.10' } };

  test('is warned of in the operation and the condition, and goes through', () => {
    const model = active('new', images);
    want(model, 'old');
    model.until(step('Built'), 400, neverWithout);
    expect(model.status.operation?.warning?.message).toMatch(/image 3\.0\.11-alpine, older than 3\.2\.1 in force/);
    expect(condition(model, 'Resizing')?.message).toContain('Set flavorId back to cancel');
    model.until((m) => m.status.flavorId === 'old' && isActive(m), 400, neverWithout);
  });

  test.each(['newest', 'large'])('is not, where the tag is newer or none is given: %s', (flavorId) => {
    const model = active('new', images);
    want(model, flavorId);
    model.until(step('Built'), 400, neverWithout);
    expect(model.status.operation?.warning).toBeUndefined();
  });
});

describe('a pair', () => {
  const roles = (model: Model) => [...model.amphorae.values()].map(({ object }) => object.spec.role).sort();

  test('whose status is lost while old and new ones are behind the VIP keeps the old ones until both of the new ones serve', () => {
    const model = active('ha');
    const old = [...model.amphorae.keys()];
    want(model, 'hb');
    model.until((m) => m.serving().length === 4, 400, neverWithout);
    const fresh = [...model.amphorae.keys()].filter((name) => !old.includes(name));
    model.silence(fresh[0]!, { reason: 'AmphoraUnreachable', message: 'It does not answer.' });
    model.tick(fresh[0]!);
    model.loadBalancer!.status = { observedGeneration: -1 };
    for (let i = 0; i < 10; i++) model.round();
    expect(model.status.flavorId).toBe('hb');
    for (const name of old) expect(model.amphorae.get(name)?.object.spec.steering).toBe('Attached');
    model.silence(fresh[0]!, undefined);
    model.until(isActive, 400, neverWithout);
    expect([...model.amphorae.keys()].sort()).toEqual([...fresh].sort());
  });

  test('whose active half comes back after its standby was promoted gets a standby again, however often that fails', () => {
    const model = active('ha');
    const lost = [...model.amphorae.values()].find(({ object }) => object.spec.role === 'MASTER')!.object.metadata.name;
    const noRoom = { reason: 'Unschedulable', message: '0/1 nodes are available.' };
    model.hinder('ha', noRoom);
    model.lose(lost, { reason: 'NodeNotReady', message: 'Its node is silent.' });
    model.until((m) => m.status.operation?.kind === 'Failover' && roles(m).filter((role) => role === 'MASTER').length === 2);
    model.heal(lost);
    model.now += 700_000;
    model.until((m) => m.status.operation?.result === 'Failed' && m.status.operation.finishedAt !== undefined, 400, neverWithout);
    model.until((m) => m.status.operation?.attempt === 2, 400, neverWithout);
    expect(model.status.operation?.cause?.message).toMatch(/are both active, so that none stands by: .* gives way to a standby/);
    model.hinder('ha', undefined);
    model.until(isActive, 800, neverWithout);
    expect(roles(model)).toEqual(['BACKUP', 'MASTER']);
  });
});

describe('an amphora that the operator can’t control', () => {
  test('is told of while it serves, and no resize is needed to see it', () => {
    const model = active();
    const { object } = [...model.amphorae.values()][0]!;
    const damaged = { reason: 'IdentityBroken', message: 'Secret reflavor-authority is damaged: restore it.' };
    object.status = unseenStatus(object, damaged, model.now);
    model.visit();
    expect(condition(model, 'Available')?.status).toBe('True');
    expect(condition(model, 'Stalled')).toMatchObject({ reason: 'IdentityBroken', message: expect.stringContaining(damaged.message) });
    model.until(isActive);
  });
});

describe('an amphora that does not answer the operator', () => {
  const unheard = { reason: 'DriverFailed', message: 'HAProxy has not answered the operator for 5 s.' };
  const traffic = (model: Model) => Object.fromEntries((model.status.amphorae ?? []).map(({ role, traffic }) => [role, traffic]));
  /** All that are there; new connections reach them all the same. */
  const silenced = (flavorId: string) => {
    const model = active(flavorId);
    for (const name of model.amphorae.keys()) model.silence(name, unheard);
    for (let i = 0; i < 20; i++) model.round();
    return model;
  };

  test.each([
    { flavorId: 'small', carrying: { STANDALONE: 'Carries' } },
    { flavorId: 'ha', carrying: { MASTER: 'Carries', BACKUP: 'Standby' } },
  ])('is not said to be out while new connections reach it: $flavorId', ({ flavorId, carrying }) => {
    const model = silenced(flavorId);
    const told = condition(model, 'Available');
    expect(told).toMatchObject({ status: 'Unknown', reason: 'AmphoraSilent', message: expect.stringContaining(unheard.message) });
    expect(told?.message).toMatch(/New connections reach lb-.* as before.*Traffic goes on; edits wait.*reflavor\.dev\/failover/);
    expect(condition(model, 'Ready')).toMatchObject({ status: 'False', reason: 'DriverFailed' });
    expect(model.status.operatingStatus).toBe('DEGRADED');
    expect(traffic(model)).toEqual(carrying);
    expect(model.status.operation).toMatchObject({ kind: 'Create', number: 1 });
    for (const name of model.amphorae.keys()) model.silence(name, undefined);
    model.until(isActive);
    expect(condition(model, 'Available')).toMatchObject({ status: 'True', reason: 'Serving' });
  });

  test.each([
    { flavorId: 'small', next: 'large' },
    { flavorId: 'ha', next: 'hb' },
  ])('gives way to others that do, in a failover and in a resize: $flavorId', ({ flavorId, next }) => {
    const model = silenced(flavorId);
    annotate(model, 'failover', 'f1');
    // Nobody knows of connections that are left there: they get the whole of their time.
    model.until((m) => m.status.operation?.kind === 'Failover' && isActive(m), 1000, neverWithout);
    for (const name of model.amphorae.keys()) model.silence(name, unheard);
    want(model, next);
    model.until((m) => m.status.flavorId === next && isActive(m), 1000, neverWithout);
  });

  test('and is new is not given the traffic by a resize', () => {
    const model = active();
    const [old] = model.amphorae.keys();
    want(model, 'large');
    model.until((m) => m.amphorae.size === 2, 400, neverWithout);
    const [fresh] = [...model.amphorae.keys()].filter((name) => name !== old);
    model.silence(fresh!, unheard);
    for (let i = 0; i < 20; i++) model.round();
    expect(model.status).toMatchObject({ flavorId: 'small', operation: { to: 'large' } });
    expect(model.serving().map((a) => a.metadata.name)).toEqual([old]);
    expect(condition(model, 'Available')?.status).toBe('True');
  });

  test('is said to be out once no connection reaches it', () => {
    const model = silenced('small');
    for (const name of model.amphorae.keys()) model.crash(name);
    model.hinder('small', { reason: 'CrashLoop', message: 'HAProxy ended.' });
    model.round();
    model.round();
    expect(condition(model, 'Available')).toMatchObject({ status: 'False', reason: 'NoAmphora' });
    expect(model.status.operatingStatus).toBe('ERROR');
  });
});

describe('what is no error', () => {
  test('a VIP without its outside address is waited for, and serves inside', () => {
    const model = active();
    model.vipProblem = { reason: 'VipPending', message: 'No outside address yet.' };
    model.round();
    model.round();
    expect(condition(model, 'Ready')).toMatchObject({ status: 'False', reason: 'VipPending', message: 'No outside address yet.' });
    expect(condition(model, 'Available')?.status).toBe('True');
    want(model, 'large');
    model.until((m) => m.status.flavorId === 'large', 400, neverWithout);
    model.vipProblem = undefined;
    model.until(isActive);
  });

  test('a warning about a listener is told of, and the load balancer is Ready', () => {
    const model = active();
    const message = 'allowedCidrs may meet the addresses of nodes.';
    model.notices = [{ listener: 'web', reason: 'ClientAddressTranslated', message, digest: '', warning: true }];
    model.until(isActive);
    model.round();
    expect(condition(model, 'Ready')?.message).toContain(message);
    expect(model.status.listenerProblems).toEqual([{ listener: 'web', reason: 'ClientAddressTranslated', message }]);
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

  test('what exists without an object is destroyed once, and a deleted load balancer waits for it', () => {
    const model = active();
    const destroyed = () => model.visit()?.acts.filter(({ type }) => type === 'DestroyStray');
    model.strays = [{ name: 'left', isEnding: false }];
    expect(destroyed()).toEqual([{ type: 'DestroyStray', name: 'left' }]);
    model.strays = [{ name: 'left', isEnding: true }];
    expect(destroyed()).toEqual([]);
    model.edit((lb) => {
      lb.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    });
    for (let i = 0; i < 50; i++) model.round();
    expect(model.amphorae.size).toBe(0);
    expect(model.last?.verdict.message).toContain('Waiting for 1');
    expect(destroyed()).toEqual([]);
    model.strays = [];
    model.until((m) => m.loadBalancer === undefined);
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
