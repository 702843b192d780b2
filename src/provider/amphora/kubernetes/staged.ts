import type { Configuration } from '../configuration.ts';
import { configurationHash, membersRevision } from '../haproxy/index.ts';
import { filesDigest } from './files.ts';
import { ANNOTATIONS } from './names.ts';
import type { Pod } from './objects.ts';

/** What a running HAProxy says of what it has loaded. */
export interface LoadedState {
  configurationHash?: string;
  membersRevision?: string;
  environmentDigest?: string;
}

/** What a HAProxy reports that has loaded this. */
export const stateOf = (configuration: Configuration, environmentDigest: string): Required<LoadedState> => ({
  configurationHash: configurationHash(configuration),
  membersRevision: membersRevision(configuration),
  environmentDigest,
});

/** What a pod's annotation says of its Secret: the state that the files lead to, and their own digest. */
export const stagedAs = (state: Required<LoadedState>, files: Record<string, string>): string =>
  [...wordsOf(state), filesDigest(files)].join(' ');

/** What the annotation says; empty when there is none. What `nudged` put behind it doesn't count. */
export const stagedIn = ({ metadata }: Pod): string => (metadata.annotations?.[ANNOTATIONS.staged] ?? '').split(' #')[0]!;

/** The same said in another way: for a kubelet that has seen the annotation but, so it seems, not yet the Secret. */
export const nudged = (staged: string, times: number): string => `${staged} #${times}`;

/** Whether a running HAProxy has all that the Secret has. */
export const isLoadedBy = (state: LoadedState, staged: string): boolean => staged.startsWith(`${wordsOf(state).join(' ')} `);

/** Whether it is said of these files, and not of those that were there before. */
export const isStagedOf = (files: Record<string, string>, staged: string): boolean => staged.endsWith(` ${filesDigest(files)}`);

const wordsOf = ({ configurationHash, membersRevision, environmentDigest }: LoadedState): string[] =>
  [configurationHash, membersRevision, environmentDigest].map((word) => word || '-');
