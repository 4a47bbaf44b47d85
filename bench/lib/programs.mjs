/**
 * Everyone who is measured. `device` is what `start` of the module gets; those that train on a GPU through WebGPU must
 * all name the same adapter. `threads` is how many threads may compute, if not as many as there are processors. `only` are
 * the workloads that a program has, where it has not all of them.
 */
export const PROGRAMS = {
  nnc: { module: '../nnc/nnc.mjs', device: 'gpu', webgpu: true, typescript: true },
  'jax-js': { module: '../peers/jax/jax.mjs', device: 'webgpu', webgpu: true },
  tfjs: { module: '../peers/tfjs/tfjs.mjs', device: 'webgpu', webgpu: true },
  reference: { module: '../peers/reference/reference.mjs', device: 'webgpu', webgpu: true, only: ['A', 'E512', 'E1024', 'F'] },
  'nnc-cpu': { module: '../nnc/nnc.mjs', device: 'cpu', typescript: true },
  'jax-js-wasm': { module: '../peers/jax/jax.mjs', device: 'wasm' },
  // Its WebAssembly backend has no gradient of max pooling.
  'tfjs-wasm': {
    module: '../peers/tfjs/tfjs.mjs',
    device: 'wasm',
    only: ['A', 'B', 'B_sampled', 'D', 'E512', 'E1024', 'F'],
  },
  torch: { python: 'bench.py', device: 'cpu' },
  'torch-1': { python: 'bench.py', device: 'cpu', threads: 1 },
  'torch-cuda': { python: 'bench.py', device: 'cuda' },
  'torch-cuda-compile': { python: 'bench.py', device: 'cuda-compile' },
  // A whole step, update included, recorded once and played again.
  'torch-cuda-graphs': { python: 'bench.py', device: 'cuda-graphs' },
};

/** Those whose times the others are compared with. */
export const OURS = ['nnc', 'nnc-cpu'];

/** What runs if nobody is named; PyTorch joins where Python has it. */
export const DEFAULT_PROGRAMS = ['nnc', 'jax-js', 'tfjs', 'reference', 'nnc-cpu', 'jax-js-wasm', 'tfjs-wasm', 'torch', 'torch-1'];

/** Peers that keep every intermediate value of G in a buffer of its own are not asked for it. */
const LARGE = ['nnc', 'torch-cuda', 'torch-cuda-compile', 'torch-cuda-graphs'];
/** The nets of examples/ are there to be compared with PyTorch. */
const LIKE_EXAMPLES = [...LARGE, 'nnc-cpu', 'torch', 'torch-1'];
const ASKED = { G: LARGE, digits: LIKE_EXAMPLES, wide: LIKE_EXAMPLES, tale: LIKE_EXAMPLES, addition: LIKE_EXAMPLES };

export const runsWorkload = (program, workload) => ASKED[workload]?.includes(program) ?? PROGRAMS[program].only?.includes(workload) ?? true;
