export { applyMembers, type MembersOutcome } from './apply.ts';
export type { Rendered } from './assemble.ts';
export { ALIVE_PORT, type RenderEnvironment } from './environment.ts';
export { configurationHash } from './hash.ts';
export { membersRevision } from './members.ts';
export { PEERS_PORT, peerName } from './peers.ts';
export { render } from './render.ts';
export { type Ask, commandWord } from './runtime.ts';
export { type Connections, type Loaded, readConnections, readLoaded, sumConnections } from './statistics.ts';
