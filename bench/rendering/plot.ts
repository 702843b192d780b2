import type { Point } from './growth.ts';

export interface Series {
  name: string;
  points: readonly Point[];
}

const [width, height, left, right, top, bottom] = [640, 320, 60, 180, 16, 44];
const colours = ['#0969da', '#cf222e', '#1a7f37', '#8250df'];

/** Both axes logarithmic, so that a straight line of 45 degrees is linear growth. Sizes in `xLabel`, values in `yLabel`. */
export function plot(series: readonly Series[], { xLabel, yLabel }: { xLabel: string; yLabel: string }): string {
  const sizes = series.flatMap(({ points }) => points.map(([size]) => size));
  const values = series.flatMap(({ points }) => points.map(([, value]) => value));
  const x = scale(Math.min(...sizes), Math.max(...sizes), left, width - right);
  const [low, high] = [10 ** Math.floor(Math.log10(Math.min(...values))), 10 ** Math.ceil(Math.log10(Math.max(...values)))];
  const y = scale(low, high, height - bottom, top);
  const ticks = Array.from({ length: Math.round(Math.log10(high / low)) + 1 }, (_, i) => low * 10 ** i);
  const text = (at: [number, number], content: string, more = '') =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" ${more}>${content}</text>`;
  const line = (from: [number, number], to: [number, number]) =>
    `<line x1="${from[0].toFixed(1)}" y1="${from[1].toFixed(1)}" x2="${to[0].toFixed(1)}" y2="${to[1].toFixed(1)}" stroke="#d0d7de"/>`;
  const shown = (value: number) => (value >= 1 ? value.toLocaleString('en') : String(Number(value.toPrecision(1))));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#57606a">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...ticks.flatMap((value) => [
      line([left, y(value)], [width - right, y(value)]),
      text([left - 8, y(value) + 4], shown(value), 'text-anchor="end"'),
    ]),
    ...[...new Set(sizes)].flatMap((size) => [
      line([x(size), top], [x(size), height - bottom]),
      text([x(size), height - bottom + 18], size.toLocaleString('en'), 'text-anchor="middle"'),
    ]),
    text([(left + width - right) / 2, height - 8], xLabel, 'text-anchor="middle"'),
    text([14, (top + height - bottom) / 2], yLabel, `text-anchor="middle" transform="rotate(-90 14 ${(top + height - bottom) / 2})"`),
    ...labels(series.map(({ points }) => y(points.at(-1)![1]))).flatMap((labelY, i) => {
      const { name, points } = series[i]!;
      const colour = colours[i % colours.length];
      const path = points.map(([size, value]) => `${x(size).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
      return [
        `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        ...points.map(([size, value]) => `<circle cx="${x(size).toFixed(1)}" cy="${y(value).toFixed(1)}" r="3" fill="${colour}"/>`),
        text([width - right + 10, labelY + 4], name, `fill="${colour}"`),
      ];
    }),
    '</svg>',
    '',
  ].join('\n');
}

function scale(from: number, to: number, start: number, end: number): (value: number) => number {
  return (value) => start + ((Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from))) * (end - start);
}

/** Places for labels of lines that end at these heights: no two closer than a line of text. */
export function labels(heights: readonly number[], apart = 16): number[] {
  const placed = heights.map((height, i) => ({ height, i })).sort((a, b) => a.height - b.height);
  for (let i = 1; i < placed.length; i++) placed[i]!.height = Math.max(placed[i]!.height, placed[i - 1]!.height + apart);
  return placed.sort((a, b) => a.i - b.i).map(({ height }) => height);
}
