/** Columns three spaces apart, as kubectl prints them; what is empty is `<none>`. */
export function table(header: string[], rows: (string | undefined)[][]): string[] {
  const cells = [header, ...rows.map((row) => row.map((cell) => cell || '<none>'))];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('   ')
      .trimEnd(),
  );
}
