import { mustHave } from '../base/calls.ts';
import { axisOf, BELOW, drawAxes, frameOf, xAt, yAt } from './axes.ts';
import type { Drawing } from './picture.ts';
import { tag, text, widthOf } from './svg.ts';

/** Examples of two inputs, and what the model says about every place between them. */
export interface RegionOptions {
  readonly points: readonly { readonly x: number; readonly y: number; readonly group: number }[];
  readonly x: string;
  readonly y: string;
  /** Names of the classes. */
  readonly names: readonly string[];
  /** Shares of the classes at a place; they add up to 1. */
  readonly shares: ArrayLike<number>;
  /** The grid on which they were asked for: columns and rows, over {@link low} to {@link high}. */
  readonly columns: number;
  readonly rows: number;
  readonly low: readonly [number, number];
  readonly high: readonly [number, number];
  readonly width?: number;
  readonly height?: number;
}

/** Colours that nearly everyone can tell apart (Okabe and Ito, 2008), for up to seven classes. */
export const GROUPS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8c8c00'] as const;
export const groupColour = (group: number): string => GROUPS[group % GROUPS.length] ?? GROUPS[0];

/** The region of each class as a colour, the more saturated the surer the model is, with the examples on it. */
export function drawRegion(o: RegionOptions): Drawing {
  mustHave('drawRegion', o, ['points', 'names', 'shares', 'low', 'high']);
  const { width = 480, height = 440 } = o;
  const [x, y] = [axisOf([o.low[0], o.high[0]], { name: o.x, tight: true }), axisOf([o.low[1], o.high[1]], { name: o.y, tight: true })];
  const room = frameOf(width, height, y, 40);
  // Whole pixels, so that neighbours neither overlap nor leave a gap.
  const [w, h] = [Math.max(1, Math.floor(room.width / o.columns)), Math.max(1, Math.floor(room.height / o.rows))];
  const frame = { ...room, left: Math.round(room.left), width: w * o.columns, height: h * o.rows };
  const cells: string[] = [];
  const classes = o.names.length;
  for (let r = 0; r < o.rows; r++)
    for (let c = 0; c < o.columns; c++) {
      const at = (r * o.columns + c) * classes;
      let best = 0;
      for (let k = 1; k < classes; k++) if ((o.shares[at + k] ?? 0) > (o.shares[at + best] ?? 0)) best = k;
      const share = o.shares[at + best] ?? 0;
      const sure = classes > 1 ? (share - 1 / classes) / (1 - 1 / classes) : 1;
      cells.push(
        tag('rect', {
          x: frame.left + c * w,
          y: frame.top + (o.rows - 1 - r) * h,
          width: w,
          height: h,
          fill: groupColour(best),
          'fill-opacity': 0.12 + 0.38 * Math.max(0, sure),
        }),
      );
    }
  const dots = o.points.map((p) =>
    tag('circle', { class: 'ring', cx: xAt(frame, x, p.x), cy: yAt(frame, y, p.y), r: 3.5, fill: groupColour(p.group) }),
  );
  let from = frame.left;
  const legend = o.names.slice(0, GROUPS.length).map((name, k) => {
    const at = from;
    from += 18 + widthOf(name, 12) + 18;
    return tag('circle', { class: 'ring', cx: at + 5, cy: 20, r: 5, fill: groupColour(k) }) + text(at + 16, 24, name, { class: 'small' });
  });
  return {
    width,
    height: frame.top + frame.height + BELOW,
    content: tag('g', { 'shape-rendering': 'crispEdges' }, cells.join('')) + drawAxes(frame, x, y) + dots.join('') + legend.join(''),
    about: `What the model says for every ${o.x} and ${o.y}: ${o.names.join(', ')}. ${o.points.length} examples are points of the colour of their class.`,
  };
}
