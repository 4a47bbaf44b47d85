import { visible } from '../../base/show.ts';
import { fail } from '../../base/errors.ts';
import { compileForText } from '../../library/text-plan.ts';
import { devicesFor } from '../../lower/backends.ts';
import { sequenceOf } from '../../planning/programs.ts';
import { generate } from '../../runtime/generate.ts';
import { RunningModel } from '../../runtime/model.ts';
import { findDevice, type DeviceChoice } from '../device.ts';
import { learnedFor, openProgram, openWeights } from '../program.ts';
import { note, print } from '../terminal.ts';

export interface GenerateFlags {
  readonly weights: string;
  readonly prompt?: string;
  readonly tokens: number;
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly seed: number;
  readonly device: DeviceChoice;
  readonly opt: 0 | 1;
}

/** Lets a trained model of text go on from a prompt; the text appears while it is made. */
export async function generateCommand(path: string, flags: GenerateFlags): Promise<void> {
  const program = await openProgram(path);
  const { model } = program;
  sequenceOf(model);
  const saved = await openWeights(flags.weights);
  const known = learnedFor(model, saved);
  if (!known?.vocabulary && model.data?.tokens === 'chars')
    fail('NN401', `${flags.weights} holds no vocabulary, so its tokens cannot be told as text`, { help: 'train it with nnc train --save' });
  const device = await findDevice(flags.device);
  const options = { level: flags.opt, adapter: device.adapter, devices: devicesFor(model, device), names: { learned: known } };
  const plan = compileForText(model, options, (why) => note(`every token computes the whole window anew: ${why}`));
  const session = await device.open(plan);
  try {
    const running = await RunningModel.open(session, { weights: saved.weights, from: flags.weights });
    const begin = performance.now();
    const { prompt = '', tokens, temperature, topK, topP, seed } = flags;
    // Without a vocabulary, tokens are numbers with spaces between them.
    process.stdout.write(known?.vocabulary || prompt === '' ? prompt : `${prompt} `);
    let made = 0;
    for await (const { text } of generate(running, prompt, { tokens, temperature, topK, topP, seed })) {
      made++;
      // A file gets what the model wrote; a terminal must not be commanded by it.
      process.stdout.write(process.stdout.isTTY ? visible(text) : text);
    }
    print();
    const seconds = (performance.now() - begin) / 1000;
    note(`${made} tokens in ${seconds.toFixed(2)} s (${(made / Math.max(seconds, 1e-9)).toFixed(0)} a second) on ${session.device.name}`);
  } finally {
    session.destroy();
  }
}
