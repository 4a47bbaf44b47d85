import { describe, expect, it } from 'vitest';
import { model } from '../support/programs.ts';

/** Which parameters the words of an optim line mean. */
const MODEL = 'layer Linear(2, 2) -> a: Linear(2, 2) -> repeat 2 (Linear(2, 2) -> tanh) -> b: (Linear(2, 2) -> LayerNorm(2))\nloss mse';
const optim = (settings: string) => {
  const found = model(`${MODEL}\noptim adamw ${settings}`).model.optim;
  if (!found) throw new Error(settings);
  return found;
};

describe('parameters are called', () => {
  it.each([
    ['0.weight', '0.weight'],
    ['a.weight', 'a.weight'],
    ['[0]', '0.weight 0.bias'],
    ['0', '0.weight 0.bias'],
    ['[2.0.0.weight, a.bias]', 'a.bias 2.0.0.weight'],
    ['2.1', '2.1.0.weight 2.1.0.bias'],
    ['["2.1.0"]', '2.1.0.weight 2.1.0.bias'],
    ['b.1', 'b.1.weight b.1.bias'],
    ['[b, bias]', '0.bias a.bias 2.0.0.bias 2.1.0.bias b.0.weight b.0.bias b.1.weight b.1.bias'],
  ])('%s', (words, names) => {
    const sorted = (s: Iterable<string> | undefined): string[] => [...(s ?? [])].sort();
    const wanted = names.split(' ').sort();
    expect(sorted(optim(`freeze=${words}`).frozen)).toEqual(wanted);
    expect(sorted(optim(`no_decay=${words}`).noDecay)).toEqual(wanted);
    expect(sorted(optim(`params=${words}`).trains)).toEqual(wanted);
    const [group] = optim(`lr[${words.replace(/^\[|\]$/g, '')}]=0.5`).groups;
    expect(sorted(group?.params)).toEqual(wanted);
  });

  it('in expressions too', () => {
    expect(model(`${MODEL.replace('mse', 'mse(pred, target) + l1(0.weight) + l1(2.1.0.weight)')}\noptim sgd`).model.params).toHaveLength(
      12,
    );
  });
});
