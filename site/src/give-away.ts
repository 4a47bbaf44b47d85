import type { Program } from 'nnc';
import { writeTensors, type Data } from 'nnc/data';
import { examplesIn, pageInfo, singlePage } from 'nnc/page';
import type { Model } from 'nnc/runtime';

export interface Trained {
  readonly program: Program;
  readonly model: Model;
  readonly data: Data;
}

/** A model as a page that trains on, in a single file: with its program, its examples and its weights. */
export async function giveAway({ program, model, data }: Trained, parts: string): Promise<string> {
  const plan = program.plan({ data, generate: data.names.learned?.vocabulary !== undefined });
  const names = examplesIn(plan);
  const tensors = (all: Data['train'], rows: number, suffix: string) =>
    Object.values(all).map((values, i) => [(names[i] ?? '') + suffix, { shape: [rows, values.length / rows], data: values }] as const);
  const examples = Object.fromEntries([
    ...tensors(data.train, data.rows, ''),
    ...(data.holdout ? tensors(data.holdout.arrays, data.holdout.rows, '@holdout') : []),
  ]);
  const part = async (name: string): Promise<string> => (await fetch(`${parts}${name}.txt`)).text();
  const [html, style, script, worker] = await Promise.all([part('index.html'), part('page.css'), part('page.js'), part('worker.js')]);
  return singlePage(
    {
      info: pageInfo(plan, program.source.text, { rows: data.rows, weights: true }),
      plan,
      data: writeTensors(examples),
      weights: writeTensors(await model.weights(), data.names.learned),
    },
    { html, style, script, worker },
  );
}
