/** Outputs of graphs, by which plans record and the host reads: what predicts is `pred`, what is minimised is `loss`. */

export const LOSS = 'loss';
export const PREDICTION = 'pred';

/** What a metric is recorded as. */
export const metricOutput = (metric: string): string => `metric:${metric}`;

/** The gradient of a parameter, before the optimizer takes it. */
export const gradOutput = (param: string): string => `grad:${param}`;

export const isGradOutput = (output: string): boolean => output.startsWith(gradOutput(''));

/** A value of a `print` line, by the places of both. */
export const printOutput = (line: number, item: number): string => `print:${line}:${item}`;
