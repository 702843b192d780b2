/**
 * Draws the resize of a saved `make demo` as the SVG of a terminal: `node tools/demo/picture.ts OUTPUT PICTURE`, or all of it, `make picture`.
 * The lines appear as they did, four times as fast; what renders no animation shows them all.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const FONT = 13;
/** Advance of a character: the fonts named below have 0.6 em, or a little less. */
const CHARACTER = FONT * 0.602;
const LINE = 21;
const COLUMNS = 100;
const MARGIN = 22;
const BAR = 38;
const SPEED = 4;

/** A line of the output that the picture shows. */
interface Row {
  /** Seconds since the demo began; undefined for a line without a clock. */
  at?: number;
  kind: 'chapter' | 'goal' | 'detail' | 'done' | 'end';
  text: string;
  goal?: { what: string; met: number; of: number; name: string };
  traffic?: { requests: number; failed: number };
}

/**
 * The rows of the first resize in an output of `make demo`: from the traffic's start to the old amphora's end, and the last line.
 *
 * @throws Error when the output has no resize that came to its end
 */
export function rowsOf(output: string): Row[] {
  const rows = output.split('\n').flatMap((line) => rowOf(line) ?? []);
  const chapters = [...rows.keys()].filter((i) => rows[i]!.kind === 'chapter');
  const resize = chapters.find((i) => rows[i]!.text.includes('kubectl patch'));
  const end = rows.at(-1);
  if (resize === undefined || end?.kind !== 'end') throw new Error('this is no output of a `make demo` that came to its end');
  const first = chapters[chapters.indexOf(resize) - 1] ?? resize;
  const next = chapters[chapters.indexOf(resize) + 1] ?? rows.length - 1;
  return [...rows.slice(first, next), end];
}

function rowOf(line: string): Row | undefined {
  if (line.startsWith('demo: ')) return { kind: 'end', text: line };
  const chapter = /^ {0,5}(\d+\.\d) s (.+)$/.exec(line);
  if (chapter) return { kind: 'chapter', at: Number(chapter[1]), text: chapter[2]! };
  const detail = /^ {9}(?: *(\d+\.\d) s )?(.+?)(?: {3}\[(\d+) requests, (\d+) failed\])?$/.exec(line);
  if (!detail) return undefined;
  const [, at, text = '', requests, failed] = detail;
  const goal = /^(\w+ .+?) {2}(\d+)\/(\d+) (\w+)$/.exec(text);
  return {
    kind: goal ? 'goal' : text.startsWith('✔') ? 'done' : 'detail',
    text,
    ...(at === undefined ? {} : { at: Number(at) }),
    ...(goal ? { goal: { what: goal[1]!, met: Number(goal[2]), of: Number(goal[3]), name: goal[4]! } } : {}),
    ...(requests === undefined ? {} : { traffic: { requests: Number(requests), failed: Number(failed) } }),
  };
}

/** The picture. Needs no font, script or file of its own, and stands on light and dark pages alike. */
export function picture(rows: readonly Row[]): string {
  const start = rows.find((row) => row.at !== undefined)?.at ?? 0;
  let y = BAR + LINE;
  let at = start;
  const lines = rows.map((row, index) => {
    if (index > 0 && row.kind === 'chapter') y += LINE / 2;
    const left = row.kind === 'end' ? text(11, y, 'dim', '…') : '';
    if (row.kind === 'end') y += LINE;
    at = row.at ?? at;
    const drawn = linesOf(row).map((draw, i) => draw(y + i * LINE));
    y += LINE * drawn.length;
    return `<g class="row" style="animation-delay:${((at - start) / SPEED).toFixed(2)}s">${left}${drawn.join('')}</g>`;
  });
  const width = Math.ceil(COLUMNS * CHARACTER + 2 * MARGIN);
  const height = Math.ceil(y);
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map((fill, i) => `<circle cx="${MARGIN + 2 + i * 20}" cy="19" r="6" fill="${fill}"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>make demo: a load balancer is resized under traffic, and no request fails</title>
<style>
text{font:${FONT}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;fill:#d0d7de;white-space:pre}
.dim{fill:#7d8590}.strong{fill:#f0f6fc;font-weight:600}.good{fill:#56d364}.bad{fill:#ff7b72}.command{fill:#79c0ff}
.row{animation:appear .3s backwards}
@keyframes appear{from{opacity:0}}
@media (prefers-reduced-motion:reduce){.row{animation:none}}
</style>
<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="10" fill="#0d1117" stroke="#30363d"/>
<path d="M1 ${BAR}H${width - 1}" stroke="#30363d"/>
${dots.join('')}<text class="dim" x="${width / 2}" y="24" text-anchor="middle">make demo</text>
${lines.join('\n')}
</svg>
`;
}

/** What draws each line of a row at a height. */
function linesOf(row: Row): ((y: number) => string)[] {
  const clock = (y: number) => (row.at === undefined ? '' : text(0, y, 'dim', `${row.at.toFixed(1)} s`.padStart(8)));
  const { goal, traffic } = row;
  const counts = (y: number) =>
    traffic
      ? text(66, y, 'dim', `${traffic.requests.toLocaleString('en').padStart(10)} requests`) +
        text(89, y, traffic.failed === 0 ? 'good' : 'bad', `${traffic.failed} failed`)
      : '';
  if (goal)
    return [
      (y) => clock(y) + text(11, y, '', goal.what) + squares(36, y, goal.met, goal.of) + text(52, y, 'strong', goal.name) + counts(y),
    ];
  if (row.kind === 'chapter') {
    const style = row.text.startsWith('kubectl') ? 'command' : 'strong';
    return folded(row.text, COLUMNS - 11).map((part, i) => (y) => (i === 0 ? clock(y) : '') + text(11, y, style, part));
  }
  if (row.kind === 'end') return folded(row.text, COLUMNS).map((part) => (y) => text(0, y, 'good', part));
  return folded(row.text, traffic ? 56 : COLUMNS - 11).map(
    (part, i) => (y) => (i === 0 ? clock(y) + counts(y) : '') + text(11, y, row.kind === 'done' ? 'good' : '', part),
  );
}

/** How many goals are met, as a row of squares. */
function squares(column: number, y: number, met: number, of: number): string {
  const side = 9;
  return Array.from({ length: of }, (_, i) => {
    const fill = i < met ? '#56d364' : '#21262d';
    return `<rect x="${x(column) + i * (side + 4)}" y="${y - side}" width="${side}" height="${side}" rx="2" fill="${fill}"/>`;
  }).join('');
}

function text(column: number, y: number, style: string, content: string): string {
  const indent = content.length - content.trimStart().length;
  const escaped = content.trim().replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]!);
  return `<text${style ? ` class="${style}"` : ''} x="${x(column + indent)}" y="${y}">${escaped}</text>`;
}

const x = (column: number): number => Math.round((MARGIN + column * CHARACTER) * 10) / 10;

/** Words in lines of at most so many characters. */
function folded(content: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of content.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [, , from, to] = process.argv;
  if (!from || !to) throw new Error('usage: node tools/demo/picture.ts OUTPUT PICTURE');
  writeFileSync(to, picture(rowsOf(readFileSync(from, 'utf8'))));
}
