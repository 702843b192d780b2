import type { AmphoraDriver } from '../provider/amphora/driver.ts';

/** Milliseconds. Nothing is taken away in the last moments of a lease: another process may be about to act. */
export const MARGIN_MS = 1000;

/**
 * The driver of a process that may act only while it holds a lease: no act is begun later. A process that stood still (SIGSTOP, a frozen machine) wakes up
 * in the middle of visits, whose next acts were decided on what was so before; whoever leads by then has acted since.
 *
 * @param heldForMs for how long this process is surely the only one that acts; milliseconds
 * @returns the driver, whose acts throw an Error where that is less than {@link MARGIN_MS}; to observe is always allowed
 */
export function fenced(driver: AmphoraDriver, heldForMs: () => number): AmphoraDriver {
  const act =
    <A extends unknown[], R>(begin: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (heldForMs() < MARGIN_MS) throw new Error('nothing is begun any more: the lease is lost, or about to be');
      return begin.apply(driver, args);
    };
  return {
    name: driver.name,
    ensureVip: act(driver.ensureVip),
    releaseVip: act(driver.releaseVip),
    build: act(driver.build),
    configure: act(driver.configure),
    attach: act(driver.attach),
    detach: act(driver.detach),
    drain: act(driver.drain),
    destroy: act(driver.destroy),
    observeVip: driver.observeVip.bind(driver),
    lastConfiguration: driver.lastConfiguration.bind(driver),
    observe: driver.observe.bind(driver),
    serversState: driver.serversState.bind(driver),
    list: driver.list.bind(driver),
    onChange: driver.onChange?.bind(driver),
  };
}
