import { isRecord, mustBe } from '../base/calls.ts';
import type { Prediction } from './api.ts';

/**
 * The probabilities of a prediction, in its shape: softmax along the last axis, or sigmoid of each score, as the model's loss has it.
 * Undefined if the prediction is plain numbers.
 */
export function probabilities(prediction: Prediction): Float32Array | undefined {
  mustBe(isRecord(prediction) && ArrayBuffer.isView(prediction.data), 'a prediction is what model.predict gives', prediction);
  const { data, shape, meaning } = prediction;
  if (meaning === 'numbers') return undefined;
  if (meaning === 'none') return data;
  if (meaning === 'exp') return data.map(Math.exp);
  if (meaning === 'sigmoid') return data.map((v) => 1 / (1 + Math.exp(-v)));
  const width = shape.at(-1) ?? 1;
  const out = new Float32Array(data.length);
  for (let from = 0; from < data.length; from += width) {
    const row = data.subarray(from, from + width);
    const peak = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const total = row.reduce((s, v) => s + Math.exp(v - peak), 0);
    row.forEach((v, i) => (out[from + i] = Math.exp(v - peak) / total));
  }
  return out;
}
