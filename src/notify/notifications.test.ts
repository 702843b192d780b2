import { describe, expect, test } from '@jest/globals';
import { Model } from '../../test/support/model.ts';
import { isTrue, type LoadBalancer } from '../api/index.ts';
import { type Notification, notificationsOf, specHash } from './notifications.ts';

/** Runs the flows and collects what there is to tell, as a receiver that drops repetitions would. */
class Receiver {
  readonly model = new Model({ small: {}, large: {}, huge: {}, broken: { broken: true }, off: { enabled: false } }, 'small');
  readonly heard = new Map<string, Notification>();
  hash: string | undefined;

  until(condition: (model: Model) => boolean): void {
    this.model.until(condition, 400, ({ loadBalancer: lb }) => {
      if (!lb) return;
      if (lb.status?.flavorId === undefined) this.hash = specHash(lb);
      for (const n of notificationsOf(lb, { specHash: this.hash })) {
        this.heard.set(n.id, n);
        if (n.type.endsWith('update.end')) this.hash = specHash(lb);
      }
    });
  }

  edit(change: (spec: LoadBalancer['spec']) => void): void {
    this.model.edit((lb) => change(lb.spec));
  }

  get types(): string[] {
    return [...this.heard.values()].map(({ type }) => type.replace('octavia.loadbalancer.', ''));
  }

  last(type: string): Notification | undefined {
    return [...this.heard.values()].findLast((n) => n.type === `octavia.loadbalancer.${type}`);
  }
}

const isReady = (model: Model) =>
  isTrue(model.status.conditions, 'Ready') && model.status.observedGeneration === model.loadBalancer!.metadata.generation;
const inForce = (flavorId: string) => (model: Model) => isReady(model) && model.status.flavorId === flavorId;

function active(): Receiver {
  const receiver = new Receiver();
  receiver.until(isReady);
  return receiver;
}

describe('what there is to tell', () => {
  test('of a new load balancer is that it was begun and is done', () => {
    const { types, heard } = active();
    expect(types).toEqual(['create.start', 'create.end']);
    expect([...heard.keys()]).toEqual(['1-start', '1-end']);
  });

  test('of a resize is its start and its end, with flavors, number and times', () => {
    const receiver = active();
    receiver.edit((spec) => {
      spec.flavorId = 'large';
    });
    receiver.until(inForce('large'));
    expect(receiver.types.slice(2)).toEqual(['resize.start', 'resize.end']);
    const { operation } = receiver.model.status;
    expect(receiver.last('resize.start')).toEqual({
      id: '2-start',
      type: 'octavia.loadbalancer.resize.start',
      time: operation?.startedAt,
      turn: { kind: 'Resize', number: 2, from: 'small', to: 'large', attempt: 1, startedAt: operation?.startedAt },
    });
    expect(receiver.last('resize.end')).toMatchObject({
      id: '2-end',
      time: operation?.finishedAt,
      turn: { kind: 'Resize', number: 2, from: 'small', to: 'large', step: 'Committed', result: 'Succeeded' },
    });
  });

  test('of a cancel comes once everything was taken back', () => {
    const receiver = active();
    receiver.edit((spec) => {
      spec.flavorId = 'large';
    });
    receiver.until((model) => model.status.operation?.step === 'Detached');
    receiver.edit((spec) => {
      spec.flavorId = 'small';
    });
    receiver.until((model) => model.status.operation?.result === 'Cancelled');
    expect(receiver.types.slice(2)).toEqual(['resize.start']);
    receiver.until(isReady);
    expect(receiver.types.slice(2)).toEqual(['resize.start', 'resize.cancel']);
    expect(receiver.last('resize.cancel')?.turn).toMatchObject({
      number: 2,
      step: 'Detached',
      result: 'Cancelled',
      reason: 'ResizeCancelled',
      message: 'flavorId was set back to small.',
    });
  });

  test('of a third flavor in the middle is a cancel of the first resize, then the second', () => {
    const receiver = active();
    receiver.edit((spec) => {
      spec.flavorId = 'large';
    });
    receiver.until((model) => model.status.operation?.step === 'Attached');
    receiver.edit((spec) => {
      spec.flavorId = 'huge';
    });
    receiver.until(inForce('huge'));
    expect(receiver.types.slice(2)).toEqual(['resize.start', 'resize.cancel', 'resize.start', 'resize.end']);
    expect(receiver.last('resize.cancel')?.turn.result).toBe('Superseded');
  });

  test('of a failure is the cause', () => {
    const receiver = active();
    receiver.edit((spec) => {
      spec.flavorId = 'broken';
    });
    receiver.until((model) => model.status.provisioningStatus === 'ERROR');
    expect(receiver.types.slice(2)).toEqual(['resize.start', 'resize.error']);
    expect(receiver.last('resize.error')?.turn).toMatchObject({
      from: 'small',
      to: 'broken',
      step: 'Built',
      result: 'Failed',
      reason: 'ImageNotFound',
      message: 'The image is not to be had.',
    });
  });

  test('of a refusal is the reason, without a number, since nothing began', () => {
    const receiver = active();
    receiver.edit((spec) => {
      spec.flavorId = 'off';
    });
    receiver.until((model) => isTrue(model.status.conditions, 'Stalled'));
    expect(receiver.types.slice(2)).toEqual(['resize.error']);
    const { id, turn } = receiver.last('resize.error')!;
    expect(id).toBe('g2-resize-error');
    expect(turn).toMatchObject({ from: 'small', to: 'off', result: 'Refused', reason: 'FlavorDisabled' });
    expect(turn).not.toHaveProperty('number');
  });

  test('of a failover is who wanted it', () => {
    const receiver = active();
    receiver.model.edit((lb) => {
      lb.metadata.annotations = { 'reflavor.dev/failover': 'now' };
    });
    receiver.until((model) => model.status.operation?.kind === 'Failover' && isReady(model));
    expect(receiver.types.slice(2)).toEqual(['failover.start', 'failover.end']);
    expect(receiver.last('failover.start')?.turn).toMatchObject({
      reason: 'FailoverRequested',
      message: 'It was asked for by annotation.',
    });
    expect(receiver.last('failover.end')?.turn).toMatchObject({ from: 'small', to: 'small', reason: 'FailoverRequested' });
  });

  test('of an edit is that it is in force, once; a change of flavor and a suspension are no edits', () => {
    const receiver = active();
    receiver.edit((spec) => {
      spec.description = 'for the shop';
    });
    receiver.until(isReady);
    receiver.edit((spec) => {
      spec.suspend = true;
    });
    receiver.until((model) => model.last?.verdict.phase === 'Suspended');
    receiver.edit((spec) => {
      spec.suspend = false;
    });
    receiver.until(isReady);
    receiver.edit((spec) => {
      spec.flavorId = 'large';
    });
    receiver.until(inForce('large'));
    expect(receiver.types.slice(2)).toEqual(['update.end', 'resize.start', 'resize.end']);
    expect(receiver.last('update.end')).toMatchObject({ id: 'g2-update-end', turn: { kind: 'Update', result: 'Succeeded' } });
  });

  test('of an edit that HAProxy refuses is why; and its end once that is mended', () => {
    const receiver = active();
    const { model } = receiver;
    model.refused.add('e2');
    model.edition = 'e2';
    receiver.edit((spec) => {
      spec.description = 'for nobody';
    });
    receiver.until(() => isTrue(model.status.conditions, 'Stalled'));
    expect(receiver.types.slice(2)).toEqual(['update.error']);
    expect(receiver.last('update.error')?.turn).toMatchObject({ result: 'Failed', reason: 'ConfigurationRefused' });
    model.refused.clear();
    receiver.until(isReady);
    expect(receiver.types.slice(2)).toEqual(['update.error', 'update.end']);
  });

  test('of a deletion is that it began', () => {
    const receiver = active();
    receiver.model.edit((lb) => {
      lb.metadata.deletionTimestamp = '2026-01-02T00:00:00Z';
    });
    receiver.until((model) => model.loadBalancer === undefined);
    expect(receiver.types.slice(2)).toEqual(['delete.start']);
    expect(receiver.last('delete.start')).toMatchObject({ id: 'delete-start', time: '2026-01-02T00:00:00Z' });
  });
});
