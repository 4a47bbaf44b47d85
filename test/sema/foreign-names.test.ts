import { describe, expect, it } from 'vitest';
import { KEYWORDS } from '../../src/parser/tokens.ts';
import { advice, foreign } from '../../src/sema/advice.ts';
import { CREATORS } from '../../src/sema/creators.ts';
import { FOREIGN, FOREIGN_NOTES } from '../../src/sema/foreign-names.ts';
import { INITIALISERS } from '../../src/sema/initialisers.ts';
import { LAYERS } from '../../src/sema/layers/registry.ts';
import { LOSSES } from '../../src/sema/losses/registry.ts';
import { METRICS } from '../../src/sema/metrics.ts';
import { OPTIMIZERS } from '../../src/sema/optimizers.ts';
import { SCHEDULES } from '../../src/sema/schedules.ts';
import { wrongWith } from '../support/snippet.ts';

const tables = [KEYWORDS, LAYERS, CREATORS, LOSSES, METRICS, OPTIMIZERS, SCHEDULES, INITIALISERS];
const isOwn = (word: string): boolean => tables.some((t) => Object.hasOwn(t, word));
/** Words of the language that stand in no table. */
const SYNTAX = ['repeat', 'true', 'false', 'None', 'bidirectional'];

describe('words of other libraries', () => {
  it('are words that nnc has not, for words that it has', () => {
    expect([...Object.keys(FOREIGN), ...Object.keys(FOREIGN_NOTES)].filter(isOwn)).toEqual([]);
    expect(Object.keys(FOREIGN).filter((word) => Object.hasOwn(FOREIGN_NOTES, word))).toEqual([]);
    const words = Object.values(FOREIGN).filter((f) => /^\w/.test(f.here));
    expect(words.filter((f) => !isOwn(f.here) && !SYNTAX.includes(f.here))).toEqual([]);
    expect(words.filter((f) => !f.example.includes(f.here))).toEqual([]);
  });

  it.each(Object.entries(FOREIGN))('the example for %s is right', (_word, { example }) => {
    expect(wrongWith(example)).toBe('');
  });

  it('come first, then the same word in other letters, then what is close', () => {
    expect(advice('ReLU', ['relu', 'rrelu'], 'layers')).toBe('write relu, as in: Linear(6, 4) -> relu');
    expect(advice('poisson_NLL_loss', ['nll', 'poisson_nll'], 'losses')).toBe("did you mean 'poisson_nll'?");
    expect(advice('MultiStepLR', ['step', 'multi_step'], 'schedules')).toBe("did you mean 'multi_step'?");
    expect(advice('normal_', ['normal'], 'initialisers')).toBe("did you mean 'normal'?");
    expect(advice('rleu', ['relu'], 'layers')).toBe("did you mean 'relu'?");
    expect(advice('Loss', ['mse'], 'losses')).toBe('losses: mse');
    expect(foreign('constructor')).toBeUndefined();
    expect(foreign('mul')).toBe('write: x * y');
  });
});
