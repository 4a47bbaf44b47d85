import { CompilerBug } from '../../../src/base/errors.ts';
import { check, compile } from '../../../src/compile.ts';
import { Random } from '../random.ts';
import type { Trial } from './trial.ts';

/** What is wrong with how the compiler takes a program of any kind: it ends with diagnostics, never with a bug of its own. */
export function bugIn(text: string): string | undefined {
  try {
    const { model } = check({ name: 'misuse.nn', text });
    const trains = model?.training && model.optim && model.params.length > 0;
    // Every other program is lowered for the GPU, the others for the processor.
    if (model) compile(model, { rows: trains ? 4 : undefined, devices: text.length % 2 === 0 ? 'gpu' : 'cpu' });
    return undefined;
  } catch (e) {
    if (e instanceof CompilerBug || !(e instanceof Error) || !('diagnostics' in e))
      return `${e instanceof Error ? (e.stack ?? e.message) : String(e)}\n${text}`;
    return undefined;
  }
}

/** Programs with words exchanged and taken away. */
export const wrecks: Trial = {
  about: 'damaged programs: an error, never a bug',
  run(text, seed) {
    const r = new Random(seed);
    for (let n = 0; n < 10; n++) {
      const words = text.split(/(?<=[\s(),])/);
      for (let i = 0; i < r.int(1, 3); i++) {
        const at = r.int(0, words.length - 1);
        if (r.unit() < 0.5) words.splice(at, 1);
        else words[at] = r.pick(words);
      }
      const bug = bugIn(words.join(''));
      if (bug !== undefined) return Promise.resolve(bug);
    }
    return Promise.resolve(undefined);
  },
};
