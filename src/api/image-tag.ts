/** Whether a tag names an older version than the other: by the numbers that both begin with. Tags without numbers, or alike, are not older. */
export function isOlderTag(tag: string, than: string): boolean {
  const [numbers, others] = [versionOf(tag), versionOf(than)];
  const at = numbers.findIndex((number, index) => number !== others[index]);
  return at >= 0 && at < others.length && numbers[at]! < others[at]!;
}

const versionOf = (tag: string): number[] => (/^v?(\d+(?:\.\d+)*)/.exec(tag)?.[1] ?? '').split('.').filter(Boolean).map(Number);
