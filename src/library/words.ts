import { signature, type Parameters } from '../sema/arguments.ts';
import { INITIALISERS } from '../sema/initialisers.ts';
import type { Layer } from '../sema/layers/layer.ts';
import { LAYERS } from '../sema/layers/registry.ts';
import { LOSSES } from '../sema/losses/registry.ts';
import { METRICS } from '../sema/metrics.ts';
import { OPTIMIZERS } from '../sema/optimizers.ts';
import { PLATEAU, SCHEDULES } from '../sema/schedules.ts';
import { DERIVATIVES } from './derivatives.ts';

export type WordKind = 'statement' | 'layer' | 'loss' | 'metric' | 'optimizer' | 'schedule' | 'initialiser';

/** A word of the language, for editors. */
export interface Word {
  readonly name: string;
  readonly kind: WordKind;
  /** How it is written, with the defaults of its settings. */
  readonly call: string;
  /** What it does, in a line. */
  readonly doc: string;
  /** The same in PyTorch. */
  readonly torch: string | undefined;
  /** Shapes of input and output, where they differ. */
  readonly shape: string | undefined;
  /** Of a function of one number: its derivative as a formula. */
  readonly derivative: string | undefined;
}

const STATEMENTS: Readonly<Record<string, readonly [call: string, doc: string]>> = {
  data: ['data "file.csv" x=[a, b] y=c', 'the examples: a file, or n=100 { x = uniform(); y = 2*x }'],
  input: ['input image: [1, 28, 28]', 'names an input and its shape, without the batch'],
  target: ['target label: int', 'names what the loss compares with, and its shape'],
  layer: ['layer Linear(1, 16) -> relu -> Linear(16, 1)', 'the model: what flows through which layers'],
  let: ['let y = x^2 + 1', 'names a value'],
  param: ['param w = 3.0', 'a number or a tensor that training changes'],
  block: ['block Name(d) { ... }', 'defines a layer of your own, with weights'],
  fn: ['fn f(a, b) = a + b', 'defines a function, without weights'],
  loss: ['loss mse', 'what training makes small'],
  metric: ['metric accuracy', 'what is reported besides the loss'],
  optim: ['optim adam lr=0.01', 'how weights move'],
  train: ['train epochs=10 batch=32 shuffle seed=1', 'how long and in which order'],
  precision: ['precision f16', 'the numbers that are stored'],
  print: ['print grad(y, x)', 'shows values, derivatives with their formulas'],
  import: ['import "blocks.nn"', 'takes blocks and functions of another file'],
};

/** What builds stages from stages. */
const COMBINATORS: Readonly<Record<string, readonly [call: string, doc: string]>> = {
  residual: ['residual(F)', 'x + F(x)'],
  repeat: ['repeat 4 F', 'copies in a row, each with its own weights'],
  share: ['share(F)', 'one set of weights, however often it is used'],
  scan: ['scan(F, h=zeros(16), last=false, reverse=false)', 'F at every place of a sequence, where h is what it gave at the place before'],
};

/** The call as one writes it: the tensors first, then the settings. */
export function callOf(name: string, layer: Layer): string {
  const inputs = layer.inputs === 'many' ? ['a', 'b', '...'] : (layer.inputs ?? []);
  const settings = Object.entries(layer.parameters).map(([key, p]) =>
    p.default !== undefined
      ? `${key}=${JSON.stringify(p.default).replaceAll('"', '')}`
      : (layer.optional ?? []).includes(key)
        ? `${key}=...`
        : key,
  );
  const all = [...inputs, ...settings, ...(layer.named ?? []).map((n) => `${n}=...`)];
  return all.length ? `${name}(${all.join(', ')})` : name;
}

const plain = { torch: undefined, shape: undefined, derivative: undefined };

/** All words of the language: statements, what builds stages, and the names in the tables of layers, losses, metrics, optimizers, schedules and initialisers. */
export function wordsOf(): readonly Word[] {
  const settings = (parameters: Parameters): string =>
    Object.values(parameters)
      .flatMap((p) => (p.doc === '' ? [] : [p.doc]))
      .join('; ');
  return [
    ...Object.entries(STATEMENTS).map(([name, [call, doc]]): Word => ({ ...plain, name, kind: 'statement', call, doc })),
    ...Object.entries(COMBINATORS).map(([name, [call, doc]]): Word => ({ ...plain, name, kind: 'layer', call, doc })),
    ...Object.entries(LAYERS).map(([name, l]): Word => {
      const { doc, torch, shape } = l;
      return { name, kind: 'layer', call: callOf(name, l), doc, torch, shape, derivative: DERIVATIVES[name] };
    }),
    ...Object.entries(LOSSES).map(([name, l]): Word => ({
      ...plain,
      name,
      kind: 'loss',
      call: signature(name, l.parameters),
      doc: l.doc,
      torch: l.torch,
    })),
    ...Object.entries(METRICS).map(([name, m]): Word => ({
      ...plain,
      name,
      kind: 'metric',
      call: signature(name, m.parameters),
      doc: m.doc,
    })),
    ...Object.entries(OPTIMIZERS).map(([name, p]): Word => ({
      ...plain,
      name,
      kind: 'optimizer',
      call: optimizerCall(name, p),
      doc: settings(p),
    })),
    ...[...Object.entries(SCHEDULES).map(([n, s]) => [n, s.parameters] as const), ['plateau', PLATEAU] as const].map(([name, p]): Word => ({
      ...plain,
      name,
      kind: 'schedule',
      call: signature(name, p),
      doc: settings(p),
    })),
    ...Object.entries(INITIALISERS).map(([name, i]): Word => ({
      ...plain,
      name,
      kind: 'initialiser',
      call: signature(name, i.parameters),
      doc: i.doc,
    })),
  ];
}

export const optimizerCall = (name: string, parameters: Parameters): string =>
  `${name} ${Object.entries(parameters)
    .map(([k, p]) => `${k}=${Array.isArray(p.default) ? `(${p.default.join(', ')})` : String(p.default)}`)
    .join(' ')}`;
