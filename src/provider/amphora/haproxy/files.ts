import { createHash } from 'node:crypto';

/** The files beside a configuration, by relative path. */
export type Files = Record<string, string>;

/**
 * Puts a file beside the configuration and gives back its relative path, which tells its content: old and new files stand side by side, so
 * that a configuration that is refused, or the one that runs, never finds another's certificate under its own path.
 */
export function addFile(files: Files, kind: string, content: string): string {
  const text = content.endsWith('\n') ? content : `${content}\n`;
  const path = `${kind}-${createHash('sha256').update(text).digest('hex').slice(0, 32)}.pem`;
  files[path] = text;
  return path;
}
