export type { Dial } from './connector.ts';
export { AUTHORITY_SECRET, IDENTITY_FILES, Identity, type IdentityFiles, type IdentityOwner } from './identity.ts';
