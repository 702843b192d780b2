import { describe, expect, test } from '@jest/globals';
import { isOlderTag } from './image-tag.ts';

describe('isOlderTag', () => {
  test.each([
    ['2.6', '3.0'],
    ['2.9.12', '2.10.1'],
    ['v1.2', '1.3-alpine'],
    ['3.0.10-bookworm', '3.0.11-bookworm'],
  ])('yes: %s beside %s', (tag, than) => expect(isOlderTag(tag, than)).toBe(true));

  test.each([
    ['3.0', '2.6'],
    ['3.0', '3.0'],
    ['3.0', '3.0.11'],
    ['3.0.11', '3.0'],
    ['latest', '3.0'],
    ['2.6', 'latest'],
  ])('no, or nobody can tell: %s beside %s', (tag, than) => expect(isOlderTag(tag, than)).toBe(false));
});
