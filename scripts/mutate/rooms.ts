/** What is mutated together, and the tests that ought to notice, quickest first. */
export interface Room {
  readonly name: string;
  readonly files: readonly string[];
  readonly tests: readonly string[];
  /** Where tests by value run besides the reference: what a graph means is decided without any device. */
  readonly devices: '' | 'cpu' | 'gpu';
}

const BY_VALUE = ['parity/torch', 'parity/catalogue', 'sema/catalogue'];

export const ROOMS: readonly Room[] = [
  {
    name: 'gradients',
    files: ['src/autodiff/'],
    tests: ['passes/vjp', 'gradcheck/kinks', ...BY_VALUE],
    devices: '',
  },
  {
    name: 'shapes and operations',
    files: ['src/ir/graph/'],
    tests: ['ir/ops', 'ir/graph-text', 'passes/vjp', 'passes/simplify', 'passes/fusion', 'ir/shapes', ...BY_VALUE],
    devices: 'cpu',
  },
  {
    name: 'index maps',
    files: ['src/ir/kernel/index-math.ts', 'src/ir/kernel/verify.ts'],
    tests: ['ir/index-math', 'ir/kernel-verify', 'passes/schedule', 'passes/fusion', 'parity/torch'],
    devices: 'cpu',
  },
  {
    name: 'laws',
    files: [
      'src/passes/graph/simplify.ts',
      'src/passes/graph/window-laws.ts',
      'src/passes/graph/row-laws.ts',
      'src/passes/graph/cleanup.ts',
    ],
    tests: ['passes/laws', 'passes/simplify', 'passes/bind', 'parity/torch', 'parity/catalogue'],
    devices: 'cpu',
  },
  {
    name: 'graph passes',
    files: [
      'src/passes/graph/rematerialize.ts',
      'src/passes/graph/recompute.ts',
      'src/passes/graph/split-sums.ts',
      'src/passes/graph/cut-rows.ts',
      'src/passes/graph/row-at-a-time.ts',
      'src/passes/graph/time-axes.ts',
      'src/passes/graph/feed.ts',
      'src/passes/graph/accumulate.ts',
      'src/passes/graph/precision.ts',
      'src/passes/graph/loss-scale.ts',
      'src/passes/graph/phases.ts',
      'src/passes/graph/bounds.ts',
    ],
    tests: [
      'passes/cut-rows',
      'passes/rematerialize',
      'passes/stages',
      'passes/bind',
      'runtime/rows',
      'runtime/accumulate',
      'runtime/windows',
      'runtime/watch',
      'runtime/capacity',
      'passes/precision',
      'runtime/generate',
    ],
    devices: 'cpu',
  },
  {
    name: 'optimizers',
    files: [
      'src/passes/graph/optimize.ts',
      'src/passes/graph/optimizers.ts',
      'src/passes/graph/update.ts',
      'src/passes/graph/pack.ts',
      'src/passes/graph/adafactor.ts',
      'src/passes/graph/lbfgs.ts',
      'src/passes/graph/muon.ts',
      'src/passes/graph/rprop.ts',
      'src/passes/graph/rates.ts',
      'src/passes/graph/plateau.ts',
      'src/passes/graph/moving-average.ts',
      'src/sema/optimizers.ts',
      'src/sema/optim.ts',
      'src/sema/optim-groups.ts',
      'src/sema/schedules.ts',
    ],
    tests: ['parity/optimizers', 'runtime/optimizers', 'golden/errors'],
    devices: 'cpu',
  },
  {
    name: 'scalars and random numbers',
    files: [
      'src/base/scalar.ts',
      'src/base/random.ts',
      'src/base/init.ts',
      'src/base/plateau.ts',
      'src/base/torch-random.ts',
      'src/base/math.ts',
    ],
    tests: ['sema/random', 'sema/float32', 'parity/draws', 'base', 'parity/optimizers', 'runtime/optimizers'],
    devices: 'cpu',
  },
  {
    name: 'layers',
    files: ['src/sema/layers/'],
    tests: [
      'sema/attention',
      'sema/sequence',
      'sema/spectral-norm',
      'sema/running-statistics',
      'sema/language',
      'golden/errors',
      ...BY_VALUE,
    ],
    devices: '',
  },
  {
    name: 'losses and metrics',
    files: ['src/sema/losses/', 'src/sema/metrics.ts', 'src/sema/metrics-by-class.ts', 'src/sema/metric.ts'],
    tests: ['sema/metrics', 'sema/ignored-labels', 'sema/language', 'golden/errors', ...BY_VALUE],
    devices: '',
  },
  {
    name: 'functions',
    files: [
      'src/sema/functions.ts',
      'src/sema/arithmetic.ts',
      'src/sema/indexing.ts',
      'src/sema/elimination.ts',
      'src/sema/special.ts',
      'src/sema/distances.ts',
      'src/sema/draws.ts',
      'src/sema/creators.ts',
    ],
    tests: ['sema/determinant', 'sema/random', 'sema/calls', 'golden/errors', ...BY_VALUE],
    devices: '',
  },
  {
    name: 'fusion and tiling',
    files: ['src/passes/schedule/'],
    tests: [
      'passes/schedule',
      'passes/fusion',
      'passes/benchmarks',
      'passes/kernels',
      'parity/torch',
      'passes/tilings',
      'passes/differential',
    ],
    devices: 'cpu',
  },
  {
    name: 'memory',
    files: ['src/passes/memory/'],
    tests: ['passes/memory', 'passes/differential'],
    devices: 'cpu',
  },
  {
    name: 'WGSL and its prelude',
    files: ['src/codegen-wgsl/'],
    tests: ['codegen/prelude', 'codegen/wgsl', 'runtime/loop', 'codegen/matrix', 'parity/torch'],
    devices: 'gpu',
  },
  {
    name: 'trainer',
    files: [
      'src/runtime/trainer.ts',
      'src/runtime/train-run.ts',
      'src/runtime/holdout.ts',
      'src/runtime/recovery.ts',
      'src/runtime/data.ts',
      'src/runtime/examples.ts',
    ],
    tests: ['passes/cut-rows', 'runtime/windows', 'runtime/capacity', 'runtime', 'parity/programs'],
    devices: 'cpu',
  },
];
