/**
 * The alerts in what HAProxy wrote, a line each, without severity, pid and where a file lies: what a user can act on. Empty where there are none.
 * The last line, that there were errors, is left out where something says which.
 */
export function alertsOf(output: string): string {
  const alerts = output.split('\n').flatMap((line) => /^\[ALERT\]\s*(?:\(\d+\))?\s*:?\s*(?:config : )?(.*)$/.exec(line.trim())?.[1] ?? []);
  const telling = alerts.filter((alert) => !/^(Error\(s\) found in configuration file|Fatal errors found in configuration)/.test(alert));
  return (telling.length > 0 ? telling : alerts).join('\n');
}
