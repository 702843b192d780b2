/** A line, and what hangs from it. */
export interface Node {
  text: string;
  children?: Node[];
}

/** The lines of a tree, drawn with box characters. */
export function drawTree({ text, children = [] }: Node): string[] {
  return [
    text,
    ...children.flatMap((child, index) => {
      const last = index === children.length - 1;
      const [first, ...rest] = drawTree(child);
      return [`${last ? '└─ ' : '├─ '}${first}`, ...rest.map((line) => `${last ? '   ' : '│  '}${line}`)];
    }),
  ];
}
