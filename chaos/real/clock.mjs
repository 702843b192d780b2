/**
 * Loaded into an operator before its program (`node --import`): moves its wall clock by the milliseconds in the file that CHAOS_CLOCK names, from the start
 * on and anew at each SIGUSR2. Nothing else of the machine moves, its monotonic clock neither.
 */
import { readFileSync } from 'node:fs';

const { Date: RealDate, process } = globalThis;
let offset = 0;
const read = () => {
  offset = Number(readFileSync(process.env.CHAOS_CLOCK, 'utf8'));
};
read();
process.on('SIGUSR2', read);

const now = () => RealDate.now() + offset;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args) => new target(...(args.length === 0 ? [now()] : args)),
  get: (target, property) => (property === 'now' ? now : Reflect.get(target, property)),
});
