import { expect, test } from '@jest/globals';
import { alertsOf } from './alerts.ts';

test('alerts are told without severity, pid and the closing words, and closing words only where there is nothing else', () => {
  const closing = '[ALERT]    (7) : config : Fatal errors found in configuration.';
  expect(alertsOf(`[NOTICE]   (7) : haproxy version is 2.6.12\n[ALERT]    (7) : config : parsing [a:1] : wrong\n${closing}\n`)).toBe(
    'parsing [a:1] : wrong',
  );
  expect(alertsOf(`${closing}\n`)).toBe('Fatal errors found in configuration.');
  expect(alertsOf('[WARNING]  (7) : well\n')).toBe('');
});
