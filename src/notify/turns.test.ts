import { describe, expect, test } from '@jest/globals';
import { Model } from '../../test/support/model.ts';
import { isTrue } from '../api/index.ts';
import type { EventContent } from './events.ts';
import { turnsOf } from './turns.ts';

/** Runs the flows and collects the Events of each change of the status. */
class Story {
  readonly events: EventContent[] = [];
  readonly model = new Model(
    { small: {}, large: {}, huge: {}, broken: { broken: true }, off: { enabled: false }, new: { image: '3.0.11' }, old: { image: '2.8' } },
    'small',
  );

  until(condition: (model: Model) => boolean): void {
    for (let rounds = 0; !condition(this.model); rounds++) {
      if (rounds > 400) throw new Error(`not reached: ${JSON.stringify(this.model.status)}`);
      const before = structuredClone(this.model.status);
      this.model.round();
      this.events.push(...turnsOf(before, this.model.status));
    }
  }

  want(flavorId: string): void {
    this.events.length = 0;
    this.model.edit((lb) => {
      lb.spec.flavorId = flavorId;
    });
  }

  get reasons(): string[] {
    return this.events.map(({ reason }) => reason);
  }
}

const isReady = (model: Model) =>
  isTrue(model.status.conditions, 'Ready') && model.status.observedGeneration === model.loadBalancer!.metadata.generation;
const isOver = (result: string) => (model: Model) =>
  model.status.operation?.result === result && model.status.operation.finishedAt !== undefined;

function active(): Story {
  const story = new Story();
  story.until(isReady);
  return story;
}

describe('the Events of', () => {
  test('a resize tell of its start, of each goal and of its end, once and in order', () => {
    const story = active();
    story.want('large');
    story.until((model) => isReady(model) && model.status.flavorId === 'large');
    expect(story.reasons).toEqual([
      'ResizeStarted',
      'Built',
      'Configured',
      'Verified',
      'Attached',
      'Detached',
      'Committed',
      'ResizeSucceeded',
    ]);
    expect(story.events[0]?.note).toBe('Resize from small to large (operation 2) started: Accepted and Recorded, 2 of 8 goals met.');
    expect(story.events[1]?.note).toBe('Resize from small to large (operation 2): Built, 3 of 8 goals met.');
    expect(story.events.every(({ type }) => type === 'Normal')).toBe(true);
  });

  test('a cancelled resize tell of the cancel and of its end', () => {
    const story = active();
    story.want('large');
    story.until((model) => model.status.operation?.step === 'Detached');
    story.want('small');
    story.until(isReady);
    expect(story.reasons.filter((reason) => reason.startsWith('Resize'))).toEqual(['ResizeCancelled', 'ResizeEnded']);
    expect(story.events.find(({ reason }) => reason === 'ResizeCancelled')?.note).toContain('flavorId was set back to small.');
  });

  test('a superseded resize tell of that, and then of the next', () => {
    const story = active();
    story.want('large');
    story.until((model) => model.status.operation?.step === 'Detached');
    story.want('huge');
    story.until((model) => isReady(model) && model.status.flavorId === 'huge');
    expect(story.reasons.filter((reason) => reason.startsWith('Resize'))).toEqual([
      'ResizeSuperseded',
      'ResizeEnded',
      'ResizeStarted',
      'ResizeSucceeded',
    ]);
  });

  test('a failed resize warn with the cause', () => {
    const story = active();
    story.want('broken');
    story.until(isOver('Failed'));
    expect(story.events.find(({ reason }) => reason === 'ResizeFailed')).toMatchObject({
      type: 'Warning',
      note: expect.stringContaining('The image is not to be had.'),
    });
  });

  test('a refused resize warn once, with the reason and what to do', () => {
    const story = active();
    story.want('off');
    story.until((model) => isTrue(model.status.conditions, 'Stalled'));
    let more = 5;
    story.until(() => more-- === 0);
    expect(story.events).toEqual([
      { type: 'Warning', reason: 'FlavorDisabled', action: 'Reconcile', note: expect.stringContaining('ask an admin to enable it') },
    ]);
  });

  test('a failover that was asked for tell who wanted it', () => {
    const story = active();
    story.want('small');
    story.model.edit((lb) => {
      lb.metadata.annotations = { 'reflavor.dev/failover': 'now' };
    });
    story.until((model) => isOver('Succeeded')(model) && model.status.operation?.kind === 'Failover');
    expect(story.events[0]).toMatchObject({ reason: 'FailoverStarted', note: expect.stringContaining('It was asked for by annotation.') });
    expect(story.reasons.at(-1)).toBe('FailoverSucceeded');
  });

  test('a resize to an older image warn of what that may break, as the status does; the way to a newer one does not', () => {
    const story = active();
    story.want('new');
    story.until((model) => isReady(model) && model.status.flavorId === 'new');
    expect(story.reasons).not.toContain('OlderImage');
    story.want('old');
    story.until((model) => isReady(model) && model.status.flavorId === 'old');
    const warning = {
      reason: 'OlderImage',
      message:
        'Flavor old has image 2.8, older than 3.0.11 in force: what only the newer one knows, it may refuse or lack. Set flavorId back to cancel.',
    };
    expect(story.events.filter(({ type }) => type === 'Warning')).toEqual([
      { type: 'Warning', reason: 'OlderImage', action: 'Resize', note: warning.message },
    ]);
    expect(story.model.status.operation?.warning).toEqual(warning);
  });
});
