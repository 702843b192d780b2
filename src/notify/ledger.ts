import type { LoadBalancer, LoadBalancerStatus, NotificationLedger } from '../api/index.ts';
import { type Notification, notificationsOf, ofOperation, operationsOf, specHash } from './notifications.ts';

/** What was delivered and does not stand in the status yet. */
export interface Delivered {
  ids: ReadonlySet<string>;
  specHash?: string;
}

/** As many as the schema lets the status hold; two for each operation that it keeps are far fewer. */
const CAPACITY = 64;

/** What is still to be told, the oldest first; nothing before the status says from where on. */
export function untold(lb: LoadBalancer, delivered: Delivered): Notification[] {
  const ledger = lb.status?.notifications;
  if (!ledger) return [];
  const known = new Set([...ledger.delivered, ...delivered.ids]);
  return notificationsOf(lb, { specHash: delivered.specHash ?? ledger.specHash }).filter(({ id }) => !known.has(id));
}

/**
 * The ledger that goes with a status about to be written. One who had none starts with all that has happened, so that a sink is told from
 * when it was set; but a new load balancer's whole life.
 *
 * @param before the object that the status was made of
 */
export function ledgerOf(before: LoadBalancer, after: LoadBalancerStatus, delivered: Delivered): NotificationLedger {
  const { deletionTimestamp: _, ...metadata } = before.metadata;
  const ledger = before.status?.notifications ?? {
    delivered: notificationsOf({ ...before, metadata }, undefined).map(({ id }) => id),
  };
  const derived = new Set(notificationsOf({ ...before, status: after }, undefined).map(({ id }) => id));
  // A refusal or an edit may come and go under one generation; each is told of once.
  const current = `g${before.metadata.generation}-`;
  const ids = [...new Set([...ledger.delivered, ...delivered.ids])].filter((id) => derived.has(id) || id.startsWith(current));
  // Creation tells of the spec whole.
  const hash = before.status?.flavorId === undefined ? specHash(before) : (delivered.specHash ?? ledger.specHash ?? specHash(before));
  return { delivered: ids.slice(-CAPACITY), specHash: hash };
}

/** What will never be told: it leaves the history with this status, and was not delivered. */
export function overflowOf(before: LoadBalancer, after: LoadBalancerStatus, delivered: Delivered): Notification[] {
  const kept = new Set(operationsOf(after).map(({ number }) => number));
  const gone = operationsOf(before.status).filter(({ number }) => !kept.has(number));
  if (gone.length === 0) return [];
  const lost = new Set(untold(before, delivered).map(({ id }) => id));
  return gone.flatMap(ofOperation).filter(({ id }) => lost.has(id));
}
