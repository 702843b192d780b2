import { expect, jest, test } from '@jest/globals';
import { faultClasses } from '../../chaos/classes.ts';

// A class may start an API server and more, on a machine that does much else.
jest.setTimeout(300_000);

test.each(faultClasses.map((faultClass) => [faultClass.name, faultClass] as const))('%s change nothing', async (_, faultClass) => {
  let schedules = 0;
  for await (const { name, broken } of faultClass.run('short')) {
    expect({ name, broken }).toEqual({ name, broken: [] });
    schedules++;
  }
  expect(schedules).toBeGreaterThan(0);
});
