import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compile.ts';
import { ANY_ADAPTER, type Adapter } from '../../src/codegen/backend.ts';
import { WASM_TARGET } from '../../src/codegen-wasm/target.ts';
import { gpuTarget } from '../../src/codegen-wgsl/targets.ts';
import { lowerGroup } from '../../src/passes/schedule/lower.ts';
import { Twins } from '../../src/passes/schedule/twins.ts';
import { model } from '../support/programs.ts';
import { randomProgram } from '../support/random-program.ts';

/** A kernel that is taken from its twin is exactly the one that would have been written, name by name. */
const LAYERS = `block Layer(d) {
  let h = x + (x -> ln1: LayerNorm(d) -> attn: MultiheadAttention(d, 2, causal=true))
  h + (h -> ln2: LayerNorm(d) -> fc1: Linear(d, 2*d) -> gelu -> fc2: Linear(2*d, d))
}
input tokens: int[6]
layer e: Embedding(11, 8) + p: Positions(6, 8) -> repeat 2 Layer(8) -> Linear(8, 11)
loss cross_entropy
optim adamw lr=0.01 no_decay=[bias, norm]
`;
const IMAGES = `block Unit(c) { x + (x -> c1: Conv2d(c, c, 3, padding=1) -> n1: BatchNorm2d(c) -> relu -> c2: Conv2d(c, c, 3, padding=1) -> n2: BatchNorm2d(c)) -> relu }
input x: [1, 8, 8]
layer Conv2d(1, 4, 3) -> repeat 2 Unit(4) -> MaxPool2d(2) -> flatten -> Linear(36, 3)
loss cross_entropy
optim sgd lr=0.1 momentum=0.9
`;
const RECURRENT = 'input x: [5, 3]\nlayer LSTM(3, 4, num_layers=2) -> GRU(4, 4) -> Linear(4, 1)\nloss mse\noptim adam lr=0.01\n';

const HISTORY = 'layer Linear(2, 3) -> tanh -> Linear(3, 1)\nloss mse\noptim lbfgs lr=0.1 history_size=3\ntrain steps=3 batch=5\n';
const STRIDED =
  'input x: [2, 8]\nlayer Conv1d(2, 4, 3, stride=2, padding=1) -> Conv1d(4, 4, 3, stride=2, padding=1) -> flatten -> Linear(8, 1)\nloss mse\noptim sgd\n';

const HARDWARE: Adapter = { ...ANY_ADAPTER, software: false };
const TARGETS = { software: gpuTarget({ ...ANY_ADAPTER, software: true }), hardware: gpuTarget(HARDWARE), processor: WASM_TARGET };

/** How many kernels of how many were taken from a twin. */
function compared(text: string, rows: number): { readonly twins: number; readonly all: number } {
  const { programs } = compile(model(text).model, { rows, devices: 'cpu' });
  let [twins, all] = [0, 0];
  for (const target of Object.values(TARGETS)) {
    const known = new Twins();
    // As in a compilation, programs that are made for one target share their kernels.
    for (const { schedule: s } of programs)
      s.groups.forEach((group, i) => {
        const own = lowerGroup(s, group, i, target);
        let written = false;
        const kernel = known.kernelOf(s, group, i, () => ((written = true), own));
        all++;
        if (!written) twins++;
        expect(kernel).toEqual(own);
        // A group is a twin of its own as well.
        expect(known.kernelOf(s, group, i, () => own)).toEqual(own);
      });
  }
  return { twins, all };
}

describe('the kernel of a twin', () => {
  it.each([
    ['transformer layers', LAYERS, 0.4],
    ['residual units', IMAGES, 0.1],
    ['recurrent layers', RECURRENT, 0.3],
    ['a history that is pushed along, by slices that are stored', HISTORY, 0],
    ['convolutions with a stride', STRIDED, 0],
  ])('is the one that would have been written: %s', (_, text, share) => {
    const { twins, all } = compared(text, 4);
    expect(twins / all).toBeGreaterThanOrEqual(share);
  });

  it('is the one that would have been written: random programs', () => {
    let twins = 0;
    for (let seed = 0; seed < 6; seed++) twins += compared(randomProgram(seed), 3).twins;
    expect(twins).toBeGreaterThan(15);
  });
});
