import { at } from '../base/errors.ts';
import type { Backend } from '../codegen/backend.ts';
import { Alike } from '../codegen/alike.ts';
import { bindBuffers } from '../codegen/bind.ts';
import { Interned, dispatchOf, nameOf, repeatOf } from '../codegen/dispatch.ts';
import type { Target } from '../passes/schedule/tiling.ts';
import type { JsText } from '../sections.ts';
import { generateJs } from './js.ts';

const PROCESSOR: Target = { lanes: 1, tiles: false, masked: false, registers: 8, threads: 1 };

/** JavaScript functions, for pages where WebAssembly is not allowed. */
export const JS: Backend = {
  name: 'js',
  device: 'cpu',
  target: () => PROCESSOR,
  emit(programs, { scalars }) {
    const texts = new Interned<JsText>();
    const alike = new Alike<string>();
    const calls = programs.map(({ name, placed, batches, loops, kernels }) => {
      // In the order of the GPU's dispatches, because memory was assigned for that order.
      const ordered = batches.flatMap((batch, d) => batch.map((i) => ({ kernel: at(kernels.js ?? [], i), loop: repeatOf(loops, d) })));
      const list = ordered.map(({ kernel, loop }) => {
        const bound = bindBuffers([kernel], placed, Infinity);
        const js = alike.of([kernel], bound, () => generateJs(kernel, { ...bound, scalars }));
        const index = texts.put(js, () => ({ name: nameOf(name, [kernel]), js }));
        return dispatchOf(name, [kernel], index, bound.bindings, loop);
      });
      return [name, list] as const;
    });
    return { js: { kernels: texts.all, programs: Object.fromEntries(calls) } };
  },
};
