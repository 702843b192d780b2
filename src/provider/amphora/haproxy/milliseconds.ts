/** The longest time that HAProxy can count, 24.8 days; it refuses a longer one, and Octavia's API allows a year. */
const LONGEST = 2_147_483_647;

/** A time-out as HAProxy takes it; 0 is none, as in Octavia. */
export function milliseconds(timeout: number): string {
  return `${Math.min(timeout, LONGEST)}ms`;
}
