import { describe, expect, it } from 'vitest';
import { FORMS, LEFT_OUT, PENDING } from '../../scripts/torch-forms.ts';
import { answer, found, isNamed, torchNames, torchRows } from '../../scripts/torch-names.ts';
import { wrongWith } from '../support/snippet.ts';

/** Every name of PyTorch has an answer: an entry, a form to write, or a reason why there is none. */
describe("PyTorch's names", () => {
  const names = torchNames();

  it('are hundreds', () => {
    expect(names.length).toBeGreaterThan(250);
    expect(new Set(names).size).toBe(names.length);
    for (const name of ['torch.nn.Linear', 'torch.nn.RMSNorm', 'torch.nn.functional.gelu', 'torch.optim.Muon'])
      expect(names).toContain(name);
  });

  it('all have an answer', () => {
    expect(names.filter((name) => !answer(name))).toEqual([]);
    for (const [name, nnc] of torchRows()) expect(nnc, name).not.toBe('');
  });

  it('are found where an entry has the text, or that of the layer for the function', () => {
    expect(found('torch.nn.Conv2d')).toBe('Conv2d');
    expect(found('torch.nn.LeakyReLU')).toBe('leaky_relu');
    expect(found('torch.nn.functional.avg_pool2d')).toBe('AvgPool2d');
    expect(found('torch.nn.functional.unfold')).toBe('Unfold');
    expect(found('torch.nn.MSELoss')).toBe('loss mse');
    expect(found('torch.nn.functional.smooth_l1_loss')).toBe('smooth_l1');
    expect(found('torch.optim.AdamW')).toBe('optim adamw');
    expect(found('torch.optim.lr_scheduler.OneCycleLR')).toBe('lr=one_cycle(...)');
    // A function that is given its weights is no layer that has them.
    expect(found('torch.nn.functional.linear')).toBeUndefined();
    expect(found('torch.nn.functional.embedding')).toBeUndefined();
  });

  it.each(Object.entries(FORMS))('the form of %s is right', (_name, form) => {
    expect(wrongWith(form.nnc)).toBe('');
  });

  it('stand in one table each, and only those that PyTorch has', () => {
    const said = [...Object.keys(FORMS), ...Object.keys(LEFT_OUT), ...Object.keys(PENDING)];
    expect(said.filter((name, i) => said.indexOf(name) !== i)).toEqual([]);
    expect(said.filter((name) => !names.includes(name))).toEqual([]);
    expect(Object.keys(FORMS).filter(isNamed), 'an entry names these, so no form is needed').toEqual([]);
    expect(
      Object.keys(LEFT_OUT).filter((name) => found(name) !== undefined),
      'these are said to be left out, and an entry has them',
    ).toEqual([]);
  });

  it('that were to come and have arrived are no longer in PENDING of scripts/torch-forms.ts', () => {
    const arrived = Object.entries(PENDING).filter(([name, form]) => (form ? wrongWith(form) === '' : found(name) !== undefined));
    expect(arrived.map(([name]) => name)).toEqual([]);
  });
});
