import { allSecrets, type Configuration } from '../configuration.ts';
import { backendSection } from './backend.ts';
import { controlSections } from './control-sections.ts';
import type { RenderEnvironment } from './environment.ts';
import type { Files } from './files.ts';
import { frontendSection } from './frontend.ts';
import { defaultsSection, globalSection } from './global.ts';
import { peersSection } from './peers.ts';
import { usesStickTable } from './persistence.ts';
import { planOf } from './plan.ts';
import { type Section, write } from './text.ts';

/** A configuration as HAProxy reads it, and the files that it names, to be put below `filesDir`. */
export interface Rendered {
  config: string;
  files: Files;
}

/** All sections of a configuration that reports this hash. */
export function assemble(configuration: Configuration, environment: RenderEnvironment, hash: string): Rendered {
  const { frontends, backends } = planOf(configuration);
  const files: Files = {};
  const secrets = allSecrets(configuration);
  const peers = environment.peersBind !== undefined && backends.some(usesStickTable) ? environment.peersBind : undefined;
  const sections: Section[] = [
    globalSection(configuration, environment, {
      hash,
      kept: backends.filter(({ kept }) => kept).map(({ name }) => name),
      listeners: frontends.map(({ listener }) => listener),
    }),
    defaultsSection(environment),
    ...(peers === undefined ? [] : [peersSection(configuration, peers, environment.peersTls)]),
    ...controlSections(environment),
    ...frontends.map((frontend) => frontendSection(frontend, { ...configuration, secrets }, environment, files)),
    ...backends.map((backend) => backendSection(backend, secrets, files, { peers: peers !== undefined })),
  ];
  return { config: write(sections), files };
}
