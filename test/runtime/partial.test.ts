import { describe, expect, it } from 'vitest';
import { compile } from '../../src/library/program.ts';
import { takePart } from '../../src/runtime/partial.ts';
import type { Weights } from '../../src/runtime/api.ts';

/** Weights of another model are taken over by name. */

const plan = compile('layer body: Linear(2, 3) -> relu -> head: Linear(3, 1); loss mse').plan({ devices: 'cpu' });
const t = (...shape: number[]): Weights[string] => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i),
});
const body = { 'body.weight': t(3, 2), 'body.bias': t(3) };

describe('--init of a part', () => {
  it('draws what is missing and leaves what is unknown', () => {
    const found = takePart(plan, { ...body, other: t(4) }, 'w', { allowMissing: true, seed: 1 });
    expect([found.taken, found.drawn, found.left]).toEqual([['body.weight', 'body.bias'], ['head.weight', 'head.bias'], ['other']]);
    expect(Object.keys(found.weights)).toEqual(['body.weight', 'body.bias', 'head.weight', 'head.bias']);
    expect(found.weights['head.weight']?.data.every((v) => v !== 0)).toBe(true);
    const again = takePart(plan, body, 'w', { allowMissing: true, seed: 1 });
    expect(again.weights).toEqual(found.weights);
    expect(takePart(plan, body, 'w', { allowMissing: true, seed: 2 }).weights).not.toEqual(found.weights);
  });

  it('renames by patterns, with what lies below a name, and transposes', () => {
    const given = { 'h.0.fc.weight': t(2, 3), 'h.0.fc.bias': t(3), 'h.1.fc.weight': t(3, 1), 'h.1.fc.bias': t(1) };
    const rename = ['h.0.fc=body^T', 'h.{i}.fc.weight=head.weight^T', 'h.{i}.fc.bias=head.bias'];
    const { weights } = takePart(plan, given, 'w', { rename });
    expect(weights['body.weight']).toEqual({ shape: [3, 2], data: Float32Array.of(0, 3, 1, 4, 2, 5) });
    expect(weights['head.weight']?.shape).toEqual([1, 3]);
    expect(Object.keys(weights)).toEqual(['body.weight', 'body.bias', 'head.weight', 'head.bias']);
    const layers = takePart(plan, { 'h.3.fc.weight': t(1) }, 'w', { rename: ['h.{i}.fc=blocks.{i}.fc1'] });
    expect(Object.keys(layers.weights)).toEqual(['blocks.3.fc1.weight']);
  });

  it.each<[string, Weights, Parameters<typeof takePart>[3], string]>([
    ['another shape', { 'body.weight': t(2, 3) }, { allowMissing: true }, "'body.weight' is [2, 3] in w, and the model has [3, 2]"],
    ['nothing in common', { a: t(1) }, { allowMissing: true }, 'the model has none of the tensors of w'],
    ['a pattern that fits nothing', body, { rename: ['x=y'] }, "--rename 'x=y' fits no tensor of w"],
    ['no pattern', body, { rename: ['body'] }, '--rename takes OLD=NEW'],
    ['a letter that the old name lacks', body, { rename: ['body=b.{i}'] }, "'{i}' is not in the old name"],
    ['one name twice', { a: t(1), b: t(1) }, { rename: ['a=b'] }, "two tensors of w would be called 'b'"],
    ['a transposed box', { a: t(1, 1, 1) }, { rename: ['a=b^T'] }, 'only matrices can be transposed'],
  ])('%s is an error', (_what, given, how, message) => {
    expect(() => takePart(plan, given, 'w', how)).toThrow(message);
  });
});
