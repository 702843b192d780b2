import { describe, expect, test } from '@jest/globals';
import { ApiError, Cancelled, Failed, LoadBalancer, NotFound, OwnedByGitOps, Refused, Superseded, Timeout } from '../sdk/index.ts';
import { EXIT_CODES, exitCodeOf, Interrupted, UsageError } from './exit-codes.ts';
import { explained } from './explained.ts';

const loadBalancer = new LoadBalancer({ metadata: { name: 'web', namespace: 'shop' }, spec: { flavorId: 'large' } });
loadBalancer.status = { flavorId: 'small' };
const args = ['resize', '--flavor', 'large', 'web', '--wait'];

describe('an error is explained with what can be done', () => {
  test.each([
    [
      new Failed('ImageNotFound', 'no image.', { loadBalancer }),
      [
        'ImageNotFound: no image.',
        'When the cause is mended: kubectl lb retry web --namespace shop',
        'To take it back: kubectl lb cancel web --namespace shop',
      ],
    ],
    [
      new Refused('FlavorDisabled', 'no.', { loadBalancer }),
      ['FlavorDisabled: no.', 'To take it back: kubectl lb cancel web --namespace shop'],
    ],
    [new Refused('Forbidden', 'not on a Friday.'), ['Forbidden: not on a Friday.']],
    [
      new OwnedByGitOps(loadBalancer, ['argocd-controller']),
      [
        'load balancer web: flavorId is written from Git by argocd-controller: change it there.',
        'To change it all the same until it is written back: kubectl lb resize --flavor large web --wait --force',
      ],
    ],
    [new Timeout('Timeout', 'not done.', { loadBalancer }), ['not done.', 'See: kubectl lb status web --namespace shop']],
    [new Interrupted('interrupted'), ['interrupted', 'What was asked for goes on. kubectl lb status shows how far it is.']],
    [new ApiError(0, 'Unreachable', 'no answer.'), ['no answer.']],
  ])('%s', (error, [said, ...next]) => expect(explained(error, args)).toEqual([`kubectl lb: ${said}`, ...next.map((line) => `  ${line}`)]));
});

test('each end has an exit code of its own', () => {
  const ends = [
    new ApiError(500, 'InternalError', ''),
    new UsageError(''),
    new Refused('', ''),
    new Failed('', ''),
    new Cancelled('', ''),
    new Superseded('', ''),
    new Timeout('', ''),
    new OwnedByGitOps(loadBalancer, []),
    new NotFound('', ''),
    new Interrupted(''),
  ];
  expect(ends.map(exitCodeOf)).toEqual(
    Object.values(EXIT_CODES)
      .slice(1)
      .map(({ code }) => code),
  );
});
