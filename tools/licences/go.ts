import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Package } from './packages.ts';

/** What stands in a licence's text and in no other's; the first that is found counts. */
const texts: [RegExp, string][] = [
  // It names the GPL as well, as a licence that may come beside it.
  [/Mozilla Public License,? [vV]ersion 2\.0/, 'MPL-2.0'],
  [/GNU (AFFERO|LESSER|LIBRARY)? ?GENERAL PUBLIC LICENSE/i, 'GPL'],
  [/Apache License,?\s+Version 2\.0/, 'Apache-2.0'],
  [/Redistribution and use in source and binary forms[\s\S]*Neither the name/, 'BSD-3-Clause'],
  [/Redistribution and use in source and binary forms/, 'BSD-2-Clause'],
  [/Permission to use, copy, modify, and\/?(or)? distribute this software/, 'ISC'],
  [/Permission is hereby granted, free of charge/, 'MIT'],
];

/** The modules of a go.mod whose source is in the module cache, by the text of their licence. None where there is no go. */
export function goModules(dir: string): Package[] {
  const cache = spawnSync('go', ['env', 'GOMODCACHE'], { encoding: 'utf8' }).stdout?.trim();
  if (!cache) return [];
  const modules = readFileSync(join(dir, 'go.mod'), 'utf8').matchAll(/^(?:require )?\t?([\w.-]+\.[\w./~-]+) (v[\w.+-]+)/gm);
  return [...modules].flatMap(([, name, version]) => {
    // In the cache a capital letter has an exclamation mark before its small one (Go modules reference, "Module cache").
    const folder = join(cache, `${name!.replace(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`)}@${version}`);
    if (!existsSync(folder)) return [];
    const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text = file ? readFileSync(join(folder, file), 'utf8') : '';
    const tag = /^SPDX-License-Identifier: ([\w.() -]+)$/m.exec(text)?.[1];
    return [{ name: name!, version: version!, licence: tag ?? texts.find(([pattern]) => pattern.test(text))?.[1] ?? '' }];
  });
}
