/** `import ... from 'nnc/pictures'`: pictures as SVG text: nets, curves, fits, regions, confusion matrices. Runs wherever JavaScript does. */
export { drawChart, type ChartOptions, type Series } from '../pictures/chart.ts';
export { drawConfusion } from '../pictures/confusion.ts';
export { Curve, type Point } from '../pictures/curve.ts';
export { bothSides, lineOver, rangeOf, squareOver, type Range } from '../pictures/grid.ts';
export { drawFan, type FanOptions } from '../pictures/fan.ts';
export { drawHeat, type HeatOptions } from '../pictures/heat.ts';
export { drawHistogram, type HistogramOptions } from '../pictures/histogram.ts';
export { picture, type Drawing } from '../pictures/picture.ts';
export { drawAgreement, drawFit } from '../pictures/points.ts';
export { drawRegion, type RegionOptions } from '../pictures/region.ts';
export type { Theme } from '../pictures/theme.ts';
export { drawNet } from '../library/draw-net.ts';
