import { hint } from '../base/suggest.ts';
import type * as A from '../parser/ast.ts';
import { textOf } from '../base/source.ts';
import { foreign } from './advice.ts';
import { pathOf } from './dotted.ts';
import type { Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import { LAYERS } from './layers/registry.ts';
import { stage, tensor, type Flow, type Value } from './values.ts';

/** Modules of PyTorch, NumPy and others: `nn.Linear` is `Linear` here. */
const MODULES = new Set(['nn', 'torch', 'F', 'np', 'numpy', 'tf', 'keras', 'functional', 'layers', 'optim']);

/** What to write instead of attributes of Python's tensors. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  grad: 'gradients are written grad(y, x)',
  shape: 'shapes are known while compiling; nnc check shows them',
  T: 'write transpose(x)',
  data: 'write detach(x)',
};
const METHODS: Readonly<Record<string, string>> = {
  backward: 'gradients are written grad(y, x), and train takes the steps',
  zero_grad: 'gradients are new at every step',
  step: 'the optim line takes the steps',
  size: 'shapes are known while compiling; nnc check shows them',
  item: 'a value is printed as it is: print x',
};

/** `fc1.weight`, `blocks.0.attn.weight`: a weight of the model by its saved name. */
export function member(ev: Evaluation, e: A.MemberExpr, env: Environment, flow: Flow): Value {
  const path = pathOf(e);
  const [root = ''] = path ?? [];
  const text = textOf(e.span).replace(/\s+/g, ' ');
  // A stage may have the name of a module, so weights are looked up first.
  const found = e.args ? undefined : path && ev.m.weight(path, flow.prefix);
  if (found !== undefined) return tensor(found);
  const noModule = (): never => {
    const own = textOf({ ...e.span, start: e.name.span.start });
    return ev.fail('NN201', e.span, `there is no '${root}' here`, {
      help: foreign(e.name.text) ?? `write ${own.replace(/\s+/g, ' ')}`,
    });
  };
  const isModule = MODULES.has(root) && !env.has(root);
  const ofModule = e.args !== undefined || Object.hasOwn(LAYERS, e.name.text) || foreign(e.name.text) !== undefined;
  if (isModule && (ofModule || !ev.growing)) return noModule();
  if (e.args) {
    const value = textOf(e.value.span);
    const rest = e.args.map((a) => textOf(a.span)).join(', ');
    const known = Object.hasOwn(METHODS, e.name.text) ? METHODS[e.name.text] : undefined;
    return ev.fail('NN201', e.span, `values have no '${e.name.text}' of their own`, {
      help: known ?? foreign(e.name.text) ?? `write ${e.name.text}(${value}${rest ? `, ${rest}` : ''})`,
    });
  }
  const isValue = path === undefined || env.has(root);
  const attribute = Object.hasOwn(ATTRIBUTES, e.name.text) ? ATTRIBUTES[e.name.text] : undefined;
  if (isValue || attribute)
    return ev.fail('NN201', e.span, `values have no '${e.name.text}' of their own`, {
      help: attribute ?? 'a weight is called by the name of its layer: fc1.weight',
    });
  const missing = (): never =>
    isModule
      ? noModule()
      : ev.fail('NN201', e.span, `there is no weight '${text}'`, {
          help:
            ev.m.weightNames().length > 0 ? hint(text, ev.m.weightNames(), 'there are') : 'layers have weights: layer fc1: Linear(4, 4)',
        });
  // A layer may be built only when values flow, so the weight is looked up again then.
  if (!ev.growing) return missing();
  return stage([
    {
      label: undefined,
      span: e.span,
      text,
      transparent: true,
      expects: 'same',
      run: (f) => {
        const later = path && ev.m.weight(path, f.prefix);
        return later === undefined ? missing() : tensor(later);
      },
    },
  ]);
}
