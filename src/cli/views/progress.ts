import type { LoadBalancer, Progress } from '../../sdk/index.ts';
import { shortDuration } from '../durations.ts';

/** What stands beside the goal at hand: how long, what is waited for, the connections of those that go. */
export function goalOutput({ state, message, connectionsLeft, elapsedSeconds }: Progress): string {
  const left = connectionsLeft.map(({ amphora, connections }) => `${connections} on ${amphora}`).join(', ');
  const words = state === 'GoingBack' ? `Going back: ${message}` : message;
  return [shortDuration(elapsedSeconds), words, left && `connections left: ${left}`].filter(Boolean).join('  ');
}

/** The last line of a wait that went well. */
export function doneLine({ metadata, status }: LoadBalancer, what: 'Resize' | 'Failover', elapsedSeconds: number): string {
  const draining = (status?.amphorae ?? []).filter(({ traffic }) => traffic === 'Draining');
  const left = draining.reduce((sum, { connections = 0 }) => sum + connections, 0);
  const drains = left > 0 ? `; ${left} ${left === 1 ? 'connection drains' : 'connections drain'} from what was replaced` : '';
  const came = what === 'Failover' ? `runs on new amphorae of flavor ${status?.flavorId}` : `flavor ${status?.flavorId} is in force`;
  return `${metadata.namespace}/${metadata.name}: ${came}, after ${shortDuration(elapsedSeconds)}${drains}`;
}
