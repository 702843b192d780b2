import type { Configuration } from '../configuration.ts';
import { assemble, type Rendered } from './assemble.ts';
import type { RenderEnvironment } from './environment.ts';
import { configurationHash } from './hash.ts';

/**
 * Renders a configuration for HAProxy 2.6 and up. Pure and deterministic. No text of a tenant can be more than one word in the place where
 * it stands; what HAProxy itself may still refuse (a regular expression, a cipher, a broken certificate) its `-c` finds.
 * @throws TypeError where the configuration lacks a Secret that it refers to
 */
export function render(configuration: Configuration, environment: RenderEnvironment): Rendered {
  return assemble(configuration, environment, configurationHash(configuration));
}
