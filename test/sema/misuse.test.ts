import { describe, expect, it } from 'vitest';
import { LAYERS } from '../../src/sema/layers/registry.ts';
import { Random } from '../support/random.ts';
import { bugIn, wrecks } from '../support/trials/wrecks.ts';
import { allPass, FROM } from '../support/trials/tried.ts';

/** Everything may be called in any wrong way: the compiler ends with diagnostics, never with a bug of its own. */
const TRIES = Number(process.env['NNC_FUZZ'] ?? 30);

const ARGUMENTS = [
  '0',
  '1',
  '2',
  '3',
  '-1',
  '-3',
  '7',
  '0.5',
  '[1, 2]',
  '[0, 0]',
  '[2, 3, 4]',
  'true',
  '"ab"',
  '"ij,jk->ik"',
  'x',
  'relu',
  '(1, 2)',
  '[[1, 2], [3, 4]]',
  '[]',
  '100000',
];

describe('misuse', () => {
  it.each(Object.keys(LAYERS))('of %s ends with diagnostics', (name) => {
    const r = new Random(name.length * 1000 + (name.codePointAt(0) ?? 0));
    const settings = Object.keys(LAYERS[name]?.parameters ?? {});
    for (let i = 0; i < TRIES; i++) {
      const shape = Array.from({ length: r.int(0, 4) }, () => r.int(1, 4));
      const values = Array.from({ length: r.int(0, 4) }, () => r.pick(ARGUMENTS));
      const named = settings.filter(() => r.unit() < 0.3).map((s) => `${s}=${r.pick(ARGUMENTS)}`);
      const call = `${name}(${[...(r.unit() < 0.5 ? ['x'] : []), ...values, ...named].join(', ')})`;
      const text = r.pick([
        `input x: ${r.pick(['', 'int'])}[${shape.join(', ')}]\nlayer ${call} -> flatten\nloss mean(pred)\noptim sgd`,
        `param x: [${shape.join(', ')}] = ones\nprint ${call}`,
        `param x: [${shape.join(', ')}] = ones\nlet y = ${call}\nprint grad(sum(y), x)`,
        `input x: [${shape.join(', ')}]\nlayer x -> ${call} + 1 -> relu\nloss mse\noptim adam`,
      ]);
      expect(bugIn(text)).toBeUndefined();
    }
  });

  it('of whole programs, with words exchanged and taken away', () => allPass(wrecks, FROM, TRIES));
});
