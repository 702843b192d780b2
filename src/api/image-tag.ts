/** What entering a flavor may break whose image is older than the one in force; undefined where it isn't, or nobody can tell. */
export function olderImage(flavorId: string, tag: string | undefined, inForce: string | undefined): string | undefined {
  if (!tag || !inForce || !isOlderTag(tag, inForce)) return undefined;
  return `Flavor ${flavorId} has image ${tag}, older than ${inForce} in force: what only the newer one knows, it may refuse or lack.`;
}

/** Whether a tag names an older version than the other: by the numbers that both begin with. Tags without numbers, or alike, are not older. */
export function isOlderTag(tag: string, than: string): boolean {
  const [numbers, others] = [versionOf(tag), versionOf(than)];
  const at = numbers.findIndex((number, index) => number !== others[index]);
  return at >= 0 && at < others.length && numbers[at]! < others[at]!;
}

const versionOf = (tag: string): number[] => (/^v?(\d+(?:\.\d+)*)/.exec(tag)?.[1] ?? '').split('.').filter(Boolean).map(Number);
