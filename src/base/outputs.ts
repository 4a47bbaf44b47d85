/** Names of graph outputs, which plans record and the host reads: the prediction is `pred`, the minimised value is `loss`. */

export const LOSS = 'loss';
export const PREDICTION = 'pred';

/** The output of a metric. */
export const metricOutput = (metric: string): string => `metric:${metric}`;

/** What `plateau` leaves of the learning rate in a step: the device knows it, the host does not. */
export const RATE_SHARE = 'rate_share';

/** The gradient of a parameter, before the optimizer uses it. */
export const gradOutput = (param: string): string => `grad:${param}`;

export const isGradOutput = (output: string): boolean => output.startsWith(gradOutput(''));

/** A value of a `print` line, by the indices of the line and of the item. */
export const printOutput = (line: number, item: number): string => `print:${line}:${item}`;
