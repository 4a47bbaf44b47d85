import { UserError, compile, render, type Plan } from 'nnc';
import { readData, type Data } from 'nnc/data';
import type { Model } from 'nnc/runtime';
import type { Told } from './told.js';

/** What an outside program does with the package: the same in Node, in a page and with a worker. */
const PROGRAM = `data "house.csv" x=sqft y=price split=0.8 normalize
layer Linear(1, 16) -> relu -> Linear(16, 1)
loss mse
metric mae
optim adam lr=0.01
train epochs=1500 batch=20 shuffle seed=42`;

export interface Setting {
  readonly csv: Uint8Array;
  /** Puts the plan on the device that is tried, and says when the model moves to another. */
  start(plan: Plan, data: Data, moved: () => void): Promise<Model>;
  /** Takes the device away, and says whether it could be lost. */
  lose(): boolean;
}

export async function story({ csv, start, lose }: Setting): Promise<Told> {
  const broken = compile('layer Lineer(1, 1)', { name: 'broken.nn' });
  const wrong = broken.diagnostics.map(render).join('\n');
  const program = compile(PROGRAM, { name: 'house.nn' });
  const inputs = program.model?.inputs.map((i) => i.name) ?? [];
  const data = readData(program, csv, { name: 'house.csv' });
  const plan = program.plan({ data });
  let refused = '';
  try {
    program.plan({ data: { x: [1, 2], y: [1] } });
  } catch (e) {
    if (e instanceof UserError) refused = e.message;
  }

  let moves = 0;
  const model = await start(plan, data, () => moves++);
  let pausedAt = 0;
  for await (const p of model.train({ until: 300 })) {
    pausedAt = p.step;
    break;
  }
  const before = await model.weights();
  model.set({ lr: 0 });
  await model.train({ until: model.step + 5 });
  const frozen =
    JSON.stringify([...((await model.weights())['0.weight']?.data ?? [])]) === JSON.stringify([...(before['0.weight']?.data ?? [])]);
  model.set({ lr: undefined });

  await model.reset();
  const again = model.step;
  const undisturbed = (await model.train()).lastLoss;
  await model.reset();
  let losses = 0;
  let lost = false;
  let moving = false;
  let disturbed = NaN;
  for await (const p of model.train()) {
    losses += p.losses.length;
    disturbed = p.losses.at(-1) ?? NaN;
    if (lost || p.step < 100) continue;
    lost = true;
    moving = lose();
  }
  // A small net may have been done before the device was gone.
  for (let i = 0; i < 250 && moving && moves === 0; i++) await new Promise((resolve) => setTimeout(resolve, 20));
  const { shape, names, data: values } = await model.predict({ sqft: [3, 4] });
  const holdout = await model.evaluate();
  model.destroy();
  return {
    wrong,
    inputs,
    losses,
    pausedAt,
    frozen,
    again,
    predicted: { shape, names, data: [...values] },
    holdout,
    undisturbed,
    disturbed,
    moves,
    refused,
  };
}
