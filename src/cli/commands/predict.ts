import { fail } from '../../base/errors.ts';
import { readDataset, type Dataset } from '../../data/dataset.ts';
import { writeSafetensors } from '../../data/safetensors.ts';
import { RunningModel } from '../../runtime/model.ts';
import type { Model } from '../../sema/model.ts';
import { needsOf } from '../../library/needs.ts';
import { devicesFor } from '../../lower/backends.ts';
import { findDevice, type DeviceChoice } from '../device.ts';
import { mustBeWritable, mustDiffer, readUserFile, writeFileSafely } from '../files.ts';
import { planFor } from '../plan-cache.ts';
import { companion, noteTokens, openProgram, openWeights, remarked, vocabularyFor, type SavedWeights } from '../program.ts';
import { print } from '../terminal.ts';

export interface PredictFlags {
  readonly weights: string;
  readonly input?: string;
  readonly data?: string;
  readonly out?: string;
  readonly device: DeviceChoice;
  readonly opt: 0 | 1;
  readonly deterministic?: boolean;
  readonly subgroupMatrix?: boolean;
}

export async function predict(path: string, flags: PredictFlags): Promise<void> {
  if ((flags.input === undefined) === (flags.data === undefined))
    fail('NN501', 'give the inputs with either --input or --data', { help: `nnc predict ${path} --weights ${flags.weights} --input 3.0` });
  const program = await openProgram(path);
  const { model } = program;
  const widths = model.inputs.map((i) => i.type.shape.slice(1).reduce<number>((n, d) => n * (typeof d === 'number' ? d : 1), 1));
  const saved = await openWeights(flags.weights);
  const values: readonly ArrayLike<number>[] =
    flags.data !== undefined ? await inputsFrom(flags.data, model, saved) : parseInput(flags.input ?? '', widths);
  mustDiffer(flags.out, [path, flags.weights, flags.data]);
  await mustBeWritable(flags.out);
  const device = await findDevice(flags.device, flags);
  const plan = await planFor(program, { level: flags.opt, adapter: device.adapter, devices: devicesFor(model, device) });
  const session = await device.open(plan);
  try {
    const running = await RunningModel.open(session, { weights: saved.weights, from: flags.weights });
    const { data: out, shape: whole } = await running.predict(...values);
    const shape = whole.slice(1);
    const each = shape.reduce((a, b) => a * b, 1);
    const rows = Array.from({ length: out.length / each }, (_, i) => out.slice(i * each, (i + 1) * each));
    if (flags.out === undefined) for (const row of rows) print([...row].map((v) => Number(v.toPrecision(7))).join(','));
    else {
      const csv = `${Array.from({ length: each }, (_, i) => (each === 1 ? 'pred' : `pred${i}`)).join(',')}\n${rows.map((r) => [...r].join(',')).join('\n')}\n`;
      const stored = writeSafetensors({ pred: { shape: [rows.length, ...shape], data: out } });
      await writeFileSafely(flags.out, flags.out.endsWith('.safetensors') ? stored : csv);
      print(`${rows.length} predictions: ${flags.out}`);
    }
  } finally {
    session.destroy();
  }
}

/** The inputs in a file; text is tokenized with the weights' vocabulary. */
async function inputsFrom(path: string, model: Model, saved: SavedWeights): Promise<Dataset['tensors']> {
  const needs = needsOf(model, false, vocabularyFor(model, saved));
  const data = remarked(readDataset(path, await readUserFile(path, 'NN301'), needs, companion(path)));
  noteTokens(data, saved);
  return data.tensors;
}

/** `3.0`, `1,2,3` or `1,2;3,4`: the numbers of an example are its inputs, one after the other; examples are separated by `;`. */
function parseInput(text: string, widths: readonly number[]): number[][] {
  const values: number[][] = widths.map(() => []);
  const width = widths.reduce((a, b) => a + b, 0);
  for (const example of text.split(';')) {
    const numbers = example.trim().split(/\s*,\s*|\s+/);
    if (numbers.length !== width)
      fail(
        'NN501',
        `the model takes ${width} number${width === 1 ? '' : 's'} for each example, and '${example.trim()}' has ${numbers.length}`,
        { help: 'separate numbers by commas and examples by semicolons' },
      );
    let place = 0;
    widths.forEach((n, k) => {
      for (const number of numbers.slice(place, place + n)) {
        if (number === '' || !Number.isFinite(Math.fround(Number(number))))
          fail('NN501', number === '' ? 'a number is missing between two commas' : `'${number}' is not a number that float32 holds`);
        values[k]?.push(Number(number));
      }
      place += n;
    });
  }
  return values;
}
