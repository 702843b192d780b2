import { Counter, type Registry } from 'prom-client';
import type { NotifierMetrics } from './notifier.ts';

/** What is measured of notifications, in Prometheus' words. */
export function notifierMetrics(registry: Registry): NotifierMetrics {
  const tries = new Counter({
    name: 'reflavor_notification_tries_total',
    help: 'Tries to deliver a notification, by what came of them: delivered, failed (tried again) or refused.',
    labelNames: ['type', 'result'],
    registers: [registry],
  });
  const lost = new Counter({
    name: 'reflavor_notifications_lost_total',
    help: 'Notifications that the sink will never get: overflow (left the history first), refused (for too long) or deleted (with the load balancer).',
    labelNames: ['because'],
    registers: [registry],
  });
  // There from the start, so that the first loss is a change.
  for (const because of ['overflow', 'refused', 'deleted']) lost.inc({ because }, 0);
  return {
    tried: (type, result) => tries.inc({ type, result }),
    lost: (because, count = 1) => lost.inc({ because }, count),
  };
}
