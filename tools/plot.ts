/** A line plot as an SVG that reads on light and dark pages alike. Pure. */

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly x: string;
  readonly y: string;
  readonly xMax: number;
  readonly series: readonly Series[];
}

const WIDTH = 720;
const HEIGHT = 320;
const LEFT = 56;
const RIGHT = 16;
const TOP = 16;
const BOTTOM = 72;
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00'];
const INK = '#777';

/** Axes from zero; the upper end is a round number above every value. */
export function svgPlot({ x, y, xMax, series }: Plot): string {
  const most = Math.max(1, ...series.flatMap(({ points }) => points.map(([, value]) => value)));
  const step = 10 ** Math.floor(Math.log10(most));
  const yMax = Math.ceil((most * 1.05) / step) * step;
  const atX = (value: number) => LEFT + (value / xMax) * (WIDTH - LEFT - RIGHT);
  const atY = (value: number) => HEIGHT - BOTTOM - (value / yMax) * (HEIGHT - TOP - BOTTOM);
  const parts: string[] = [];
  const text = (at: number, down: number, words: string, anchor = 'middle') =>
    parts.push(`<text x="${at.toFixed(1)}" y="${down.toFixed(1)}" text-anchor="${anchor}">${words}</text>`);
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const down = atY(yMax * part);
    parts.push(`<path d="M${LEFT} ${down.toFixed(1)}H${WIDTH - RIGHT}" stroke="${INK}" stroke-opacity=".35"/>`);
    text(LEFT - 6, down + 4, String(Math.round(yMax * part)), 'end');
  }
  for (let i = 0; i <= 10; i += 1) text(atX((xMax * i) / 10), HEIGHT - BOTTOM + 18, String((xMax * i) / 10));
  text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 36, x);
  text(LEFT - 6, TOP - 3, y, 'end');
  series.forEach(({ name, points }, i) => {
    const line = points.map(([px, py]) => `${atX(px).toFixed(1)},${atY(py).toFixed(1)}`).join(' ');
    parts.push(`<polyline points="${line}" fill="none" stroke="${COLOURS[i]}" stroke-width="2"/>`);
    const at = LEFT + (i * (WIDTH - LEFT)) / series.length;
    parts.push(`<path d="M${at.toFixed(1)} ${HEIGHT - 14}h18" stroke="${COLOURS[i]}" stroke-width="3"/>`);
    text(at + 24, HEIGHT - 10, name, 'start');
  });
  const font = `font-family="system-ui, sans-serif" font-size="12" fill="${INK}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ${font}>\n${parts.join('\n')}\n</svg>\n`;
}
