/**
 * Mutants that no test kills, and why that is right: what they change has no meaning. A mutant is told by its file, the line it is in,
 * and what it changes.
 */
export interface Accepted {
  readonly file: string;
  readonly context: string;
  readonly was: string;
  readonly now: string;
  readonly why: string;
}

export const ACCEPTED: readonly Accepted[] = [
  {
    file: 'src/runtime/recovery.ts',
    context: 'const MOST = 3;',
    was: '3',
    now: '4',
    why: 'how often a lost device is replaced before a run gives up is a matter of taste',
  },
  ...[
    'const seconds = (performance.now() - this.begin) / 1000;',
    'return { steps: this.known - this.from, seconds: (performance.now() - this.begin) / 1000, lastLoss: this.lastLoss, outcome };',
  ].map((context) => ({
    file: 'src/runtime/trainer.ts',
    context,
    was: '1000',
    now: '1001',
    why: 'a thousandth of the measured time is less than its noise',
  })),
  {
    file: 'src/autodiff/vjp.ts',
    context: "return typeof d === 'number' && typeof size === 'number' ? d - at(node.attrs.start, i) - size : 0;",
    was: '&&',
    now: '||',
    why: 'an axis and its slice are both numbers or both the batch',
  },
  {
    file: 'src/autodiff/vjp.ts',
    context: "return typeof d === 'number' && typeof size === 'number' ? d - at(node.attrs.start, i) - size : 0;",
    was: '0',
    now: '1',
    why: 'nothing is left of the batch, so what stands there is never used',
  },
  {
    file: 'src/ir/kernel/index-math.ts',
    context: 'for (let i = shape.length - 1; i >= 0; i--) {',
    was: '-',
    now: '+',
    why: 'axes that are not there have the extent 1 and the index 0',
  },
  {
    file: 'src/ir/kernel/index-math.ts',
    context: 'const negative = x.terms.filter((t) => t.coefficient < 0);',
    was: '0',
    now: '1',
    why: 'coefficients are whole numbers other than 0',
  },
  {
    file: 'src/codegen-wgsl/targets.ts',
    context: 'shared: 64,',
    was: '64',
    now: '65',
    why: 'a threshold of cost: either choice gives right kernels',
  },
];
