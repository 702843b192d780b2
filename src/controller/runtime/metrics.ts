import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { RequestReport } from '../../kube/sender.ts';
import type { ControllerMetrics } from './controller.ts';
import type { ReflectorMetrics } from './reflector.ts';
import type { QueueMetrics } from './workqueue.ts';

/** From a millisecond to a minute: a visit waits for the API server, and at times for HAProxy. */
const seconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What the runtime measures, in Prometheus' units; one instance a registry. */
export class RuntimeMetrics {
  readonly #reconciles;
  readonly #reconcileSeconds;
  readonly #depth;
  readonly #adds;
  readonly #retries;
  readonly #waitSeconds;
  readonly #workSeconds;
  readonly #syncs;
  readonly #watches;
  readonly #events;
  readonly #watchFailures;
  readonly #requests;
  readonly #requestSeconds;
  readonly #leader;

  constructor(registry: Registry) {
    const registers = [registry];
    const counter = (name: string, help: string, labelNames: string[]) =>
      new Counter({ name: `reflavor_${name}`, help, labelNames, registers });
    const histogram = (name: string, help: string, labelNames: string[]) =>
      new Histogram({ name: `reflavor_${name}`, help, labelNames, buckets: seconds, registers });
    const gauge = (name: string, help: string, labelNames: string[]) =>
      new Gauge({ name: `reflavor_${name}`, help, labelNames, registers });

    this.#reconciles = counter('reconcile_total', 'Visits by how they ended: success, requeue_after or error.', ['controller', 'result']);
    this.#reconcileSeconds = histogram('reconcile_duration_seconds', 'How long a visit took.', ['controller']);
    this.#depth = gauge('workqueue_depth', 'Keys that wait for a visit.', ['name']);
    this.#adds = counter('workqueue_adds_total', 'Keys added.', ['name']);
    this.#retries = counter('workqueue_retries_total', 'Keys added again after a failed visit.', ['name']);
    this.#waitSeconds = histogram('workqueue_queue_duration_seconds', 'How long keys waited for their visit.', ['name']);
    this.#workSeconds = histogram('workqueue_work_duration_seconds', 'How long keys were worked on.', ['name']);
    this.#syncs = counter('reflector_syncs_total', 'Collections read in whole, by list pages or by a watchlist stream.', [
      'resource',
      'how',
    ]);
    this.#watches = counter('reflector_watches_total', 'Watches opened.', ['resource']);
    this.#events = counter('reflector_events_total', 'Events received, by type.', ['resource', 'type']);
    this.#watchFailures = counter('reflector_failures_total', 'Failed syncs, watches and handlers.', ['resource', 'what']);
    this.#requests = counter('api_requests_total', 'Requests to the API server; code 0: no answer.', ['verb', 'resource', 'code']);
    this.#requestSeconds = histogram('api_request_duration_seconds', "Until the answer's headers were here.", ['verb', 'resource']);
    this.#leader = gauge('leader', '1 while this process is the leader.', []);
  }

  controller(name: string): ControllerMetrics & { queue: QueueMetrics } {
    return {
      queue: this.#queue(name),
      reconciled: (result, took) => {
        this.#reconciles.inc({ controller: name, result });
        this.#reconcileSeconds.observe({ controller: name }, took);
      },
    };
  }

  reflector(resource: string): ReflectorMetrics {
    return {
      synced: (how) => this.#syncs.inc({ resource, how }),
      watchOpened: () => this.#watches.inc({ resource }),
      event: (type) => this.#events.inc({ resource, type }),
      failed: (what) => this.#watchFailures.inc({ resource, what }),
    };
  }

  /** For the client's `onRequest`. */
  readonly request = ({ verb, resource, code, seconds: took }: RequestReport): void => {
    this.#requests.inc({ verb, resource, code });
    this.#requestSeconds.observe({ verb, resource }, took);
  };

  leader(isLeader: boolean): void {
    this.#leader.set(isLeader ? 1 : 0);
  }

  #queue(name: string): QueueMetrics {
    return {
      depth: (keys) => this.#depth.set({ name }, keys),
      added: () => this.#adds.inc({ name }),
      retried: () => this.#retries.inc({ name }),
      waited: (took) => this.#waitSeconds.observe({ name }, took),
      worked: (took) => this.#workSeconds.observe({ name }, took),
    };
  }
}
