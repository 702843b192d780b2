import { Histogram, type Registry } from 'prom-client';
import type { RequestReport } from '../kube/sender.ts';

const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What the API measures, in Prometheus' units; one instance a registry. */
export class RestMetrics {
  readonly #answers;
  readonly #kubernetes;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#answers = new Histogram({
      name: 'reflavor_rest_request_duration_seconds',
      help: 'How long answers took, by route.',
      labelNames: ['method', 'route', 'code'],
      buckets,
      registers,
    });
    this.#kubernetes = new Histogram({
      name: 'reflavor_api_request_duration_seconds',
      help: "Requests to the API server, until the answer's headers were here; code 0: no answer.",
      labelNames: ['verb', 'resource', 'code'],
      buckets,
      registers,
    });
  }

  /** @param route as it is written, with its parameters, never the path that was asked for */
  answered(method: string, route: string, code: number, seconds: number): void {
    this.#answers.observe({ method, route, code }, seconds);
  }

  readonly kubernetes = ({ verb, resource, code, seconds }: RequestReport): void => {
    this.#kubernetes.observe({ verb, resource, code }, seconds);
  };
}
