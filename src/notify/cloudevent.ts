import { CloudEvent } from 'cloudevents';
import { type FlavorData, type LoadBalancer, rfc3339 } from '../api/index.ts';
import { keyOf } from '../kube/paths.ts';
import type { Notification } from './notifications.ts';
import { DATA_SCHEMA, type NotificationPayload, payloadOf } from './payload.ts';

/** What an event is made of beside the load balancer and what is told of it. */
export interface Telling {
  /** The attribute `source`: which operator of which cluster. */
  source: string;
  /** Data of the flavor in force, where they are known. */
  flavor: FlavorData | undefined;
  /** Milliseconds since the epoch: the time of what the object has no time of. */
  now: number;
}

/** A notification as a CloudEvent 1.0; `id` is the same for each repetition. */
export function cloudEventOf(lb: LoadBalancer, { id, type, time, turn }: Notification, telling: Telling): CloudEvent<NotificationPayload> {
  const { source, flavor, now } = telling;
  const event = {
    id: `${lb.metadata.uid}-${id}`,
    source,
    type,
    subject: keyOf(lb),
    time: time ?? rfc3339(now),
    datacontenttype: 'application/json',
    dataschema: DATA_SCHEMA,
    data: payloadOf(lb, turn, flavor),
  };
  // Not checked once more: an error here would come back at each try.
  return new CloudEvent(event, false);
}
