import { UsageError } from './exit-codes.ts';

const UNITS = { s: 1, m: 60, h: 3600 } as const;

/** Seconds of a duration as kubectl's flags take it: `90s`, `5m`, `1h30m`, or bare seconds. */
export function secondsOf(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smh])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw new UsageError(`"${text}" is no duration: write 90s, 5m or 1h30m`);
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNITS[unit as keyof typeof UNITS], 0);
}

/** Seconds in kubectl's short form: `12s`, `3m4s`, `12m`, `5h20m`, `9h`, `3d`. */
export function shortDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [Math.floor(whole / 86_400), Math.floor(whole / 3600), Math.floor(whole / 60)];
  if (whole < 120) return `${whole}s`;
  if (minutes < 10) return two(minutes, 'm', whole % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm');
  return hours < 48 ? `${hours}h` : `${days}d`;
}

const two = (large: number, unit: string, small: number, rest: string) => `${large}${unit}${small > 0 ? `${small}${rest}` : ''}`;

/** How long ago a moment was, in kubectl's short form; `<unknown>` for none. */
export const ago = (moment: string | undefined, now: number): string =>
  moment === undefined ? '<unknown>' : shortDuration((now - Date.parse(moment)) / 1000);
