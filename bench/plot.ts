/** A line of a plot, with its points from left to right; both values are greater than 0. */
export interface Series {
  name: string;
  points: (readonly [x: number, y: number])[];
}

export interface PlotOptions {
  title: string;
  x: string;
  y: string;
  series: Series[];
}

const WIDTH = 640;
const HEIGHT = 400;
const BOX = { left: 64, right: 16, top: 40, bottom: 48 };
/** Told apart by people who see red and green alike, on light and on dark. */
const COLORS = ['#0072b2', '#e69f00', '#888888', '#009e73'];

/** A plot of two logarithmic axes as SVG, on which whatever grows in proportion is as steep as the dashed line. */
export function logLogPlot({ title, x, y, series }: PlotOptions): string {
  const all = series.flatMap(({ points }) => points);
  const across = axis(
    all.map(([value]) => value),
    [BOX.left, WIDTH - BOX.right],
  );
  const up = axis(
    all.map(([, value]) => value),
    [HEIGHT - BOX.bottom, BOX.top],
  );
  const at = ([a, b]: readonly [number, number]) => `${across.at(a).toFixed(1)},${up.at(b).toFixed(1)}`;
  const parts = [
    ...across.ticks.map((value) => grid([across.at(value), BOX.top], [across.at(value), HEIGHT - BOX.bottom])),
    ...across.ticks.map((value) => label(value.toLocaleString('en'), across.at(value), HEIGHT - BOX.bottom + 18, 'middle')),
    ...up.ticks.map((value) => grid([BOX.left, up.at(value)], [WIDTH - BOX.right, up.at(value)])),
    ...up.ticks.map((value) => label(value.toLocaleString('en'), BOX.left - 8, up.at(value) + 4, 'end')),
    label(title, WIDTH / 2, 22, 'middle', 15),
    label(x, (BOX.left + WIDTH - BOX.right) / 2, HEIGHT - 10, 'middle'),
    `<g transform="rotate(-90)">${label(y, -HEIGHT / 2, 16, 'middle')}</g>`,
    proportional(all, at),
    ...series.map(({ points }, index) => {
      const color = COLORS[index % COLORS.length];
      const dots = points.map((point) => `<circle cx="${at(point).replace(',', '" cy="')}" r="4" fill="${color}"/>`).join('');
      return `<polyline points="${points.map(at).join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>${dots}`;
    }),
    ...series.map(({ name }, index) => {
      const top = BOX.top + 18 + 20 * index;
      return `<rect x="${BOX.left + 12}" y="${top - 9}" width="12" height="12" fill="${COLORS[index % COLORS.length]}"/>${label(name, BOX.left + 30, top + 2, 'start')}`;
    }),
  ];
  const style = 'text{font-family:sans-serif;fill:#222}@media(prefers-color-scheme:dark){text{fill:#ddd}}';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"><title>${escaped(title)}</title><style>${style}</style>\n${parts.join('\n')}\n</svg>\n`;
}

/** How steep a line is from its first to its last point: 1 is in proportion, 2 with the square. */
export function exponent({ points }: Pick<Series, 'points'>): number {
  const [[x0, y0], [x1, y1]] = [points[0]!, points.at(-1)!];
  return Math.log(y1 / y0) / Math.log(x1 / x0);
}

/** Whole powers of ten around the values. */
function axis(values: number[], [from, to]: readonly [number, number]): { at(value: number): number; ticks: number[] } {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const at = (value: number) => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
  return { at, ticks: Array.from({ length: high - low + 1 }, (_, index) => Number((10 ** (low + index)).toPrecision(1))) };
}

/** From the lowest value at the right end back to what would be in proportion to it, as far as there are points. */
function proportional(all: Series['points'], at: (point: readonly [number, number]) => string): string {
  const right = Math.max(...all.map(([x]) => x));
  const least = Math.min(...all.map(([, y]) => y));
  const [end] = all.filter(([x]) => x === right).sort((a, b) => a[1] - b[1]) as [readonly [number, number]];
  const from = Math.max((right * least) / end[1], Math.min(...all.map(([x]) => x)));
  const ends = [[from, (end[1] * from) / right] as const, end].map(at);
  return `<polyline points="${ends.join(' ')}" fill="none" stroke="#888888" stroke-dasharray="4 4"/>`;
}

const grid = ([x1, y1]: [number, number], [x2, y2]: [number, number]) =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#888888" stroke-opacity="0.3"/>`;

const label = (text: string, x: number, y: number, anchor: 'start' | 'middle' | 'end', size = 12) =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-size="${size}">${escaped(text)}</text>`;

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
