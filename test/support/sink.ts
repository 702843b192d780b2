import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type CloudEvent, HTTP } from 'cloudevents';
import type { NotificationPayload } from '../../src/notify/payload.ts';
import type { CertificateAndKey } from './certificates.ts';

export interface Heard {
  headers: IncomingMessage['headers'];
  /** As the CloudEvents SDK reads it. */
  event: CloudEvent<NotificationPayload>;
}

/** What the sink does with a request: a status, or silence until something is done about it. */
export type Answer = number | ((heard: Heard, response: ServerResponse) => void | Promise<void>);

/** A real HTTP server that CloudEvents are posted to. */
export class TestSink {
  /** All that came, repetitions too, whatever was answered. */
  readonly heard: Heard[] = [];
  answer: Answer = 202;
  readonly #server: Server;
  #port = 0;

  constructor(tls?: CertificateAndKey) {
    const handle = (request: IncomingMessage, response: ServerResponse) => void this.#handle(request, response);
    this.#server = tls ? createTlsServer({ cert: tls.certPem, key: tls.keyPem }, handle) : createServer(handle);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/events`;
  }

  /** Listens on a free port; once more after a stop, on the same one. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Ends it with all its connections: whoever posts is refused. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Types of what came of a load balancer, without `octavia.loadbalancer.`. */
  types(name: string): string[] {
    return this.of(name).map(({ type }) => type.replace('octavia.loadbalancer.', ''));
  }

  of(name: string): CloudEvent<NotificationPayload>[] {
    return this.heard.map(({ event }) => event).filter(({ subject }) => subject === `default/${name}`);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const headers = request.headers;
    const heard = { headers, event: HTTP.toEvent({ headers, body }) as CloudEvent<NotificationPayload> };
    this.heard.push(heard);
    if (typeof this.answer === 'function') await this.answer(heard, response);
    else response.writeHead(this.answer).end();
  }
}
