/** Different batches that B, C and D go through in turn. */
export const BATCHES = 16;

const product = (size, repeats) => ({
  kind: 'kernel',
  about: `product of two ${size}x${size} matrices, float32`,
  matrix: size,
  rate: 'GFLOP/s',
  work: 2 * size ** 3,
  repeats,
});

/** Windows are at least so long, in milliseconds: on a fast device, reading the loss would otherwise be a part of the time. */
export const WINDOW = { full: 200, quick: 50 };

/** Those of the command line that are several. */
const SEVERAL = { E: ['E512', 'E1024'], examples: ['digits', 'wide', 'tale', 'addition'], large: ['E2048', 'E4096', 'E8192', 'G'] };

/**
 * What is measured. `checks` are losses after so many steps, before the update of that step, on which two independent
 * libraries agreed when the workload was made (PyTorch and nnc for those like the examples): whoever does not reach them
 * computes something else, and its time means nothing. `weights` is the file of the initial weights, unless everyone
 * draws them. `unit` is the number of steps that one reported number stands for.
 */
export const WORKLOADS = {
  A: {
    kind: 'train',
    about: 'house: 100 rows, Linear(1,16) relu Linear(16,1), mse, Adam 0.01, whole data as one batch; milliseconds for 500 steps',
    data: 'house',
    weights: 'A',
    unit: 500,
    checks: { 1: 440507.86, 500: 2771.17 },
    windows: { full: [500, 5], quick: [500, 2] },
  },
  B: {
    kind: 'train',
    about: 'MLP 784-256-128-10, cross entropy, Adam 1e-3, batch 128; milliseconds a step',
    data: 'images',
    weights: 'B',
    batch: 128,
    unit: 1,
    checks: { 1: 2.308809, 20: 1.20945 },
    windows: { full: [20, 5], quick: [5, 2] },
  },
  B_sampled: {
    kind: 'train',
    about:
      'the MLP of B with each batch drawn from 4096 rows; milliseconds a step. Everyone draws an order of its own, so losses are not compared here',
    data: 'images',
    weights: 'B',
    batch: 128,
    unit: 1,
    checks: undefined,
    warmup: 20,
    windows: { full: [20, 5], quick: [5, 2] },
  },
  C: {
    kind: 'train',
    about: 'CNN conv3x3x16 relu pool conv3x3x32 relu pool dense, batch 64 of 1x28x28, Adam 1e-3; milliseconds a step',
    data: 'images',
    weights: 'C',
    batch: 64,
    unit: 1,
    checks: { 1: 2.315431, 6: 2.28165 },
    windows: { full: [6, 5], quick: [2, 2] },
  },
  D: {
    kind: 'train',
    about:
      'GPT: vocabulary 65, context 64, width 128, 4 layers, 4 heads, exact gelu, AdamW 1e-3 with decay 0.01, batch 16; milliseconds a step',
    data: 'text',
    weights: 'D',
    batch: 16,
    unit: 1,
    checks: { 1: 4.214935, 4: 3.86294 },
    windows: { full: [3, 5], quick: [1, 2] },
  },
  digits: {
    kind: 'train',
    about:
      'a small CNN for digits: conv3x3x8 relu pool conv3x3x16 relu pool 784-32-10, batch 50 of 1x28x28, Adam 3e-3; milliseconds a step',
    data: 'images',
    weights: 'digits',
    batch: 50,
    unit: 1,
    checks: { 1: 2.296062, 50: 2.19895 },
    windows: { full: [10, 5], quick: [3, 2] },
  },
  wide: {
    kind: 'train',
    about:
      'a wide CNN: two conv3x3x64 and two conv3x3x128, each pair pooled, and 6272-10, batch 16 of 1x28x28, Adam 3e-4; milliseconds a step',
    data: 'images',
    weights: 'wide',
    batch: 16,
    unit: 1,
    checks: { 1: 2.304384, 4: 2.294724 },
    windows: { full: [2, 5], quick: [1, 2] },
  },
  tale: {
    kind: 'train',
    about:
      'a GPT of characters: vocabulary 65, context 64, width 96, 3 layers, 4 heads, exact gelu, AdamW 3e-3 with decay 0.1, batch 16; milliseconds a step',
    data: 'text',
    weights: 'tale',
    batch: 16,
    unit: 1,
    checks: { 1: 4.188834, 20: 3.858753 },
    windows: { full: [4, 5], quick: [1, 2] },
  },
  addition: {
    kind: 'train',
    about:
      'a GPT that adds: vocabulary 12, context 8, width 48, 2 layers, 4 heads, exact gelu, AdamW 3e-3 with decay 0.1, batch 100, five of eight targets ignored; milliseconds a step',
    data: 'sums',
    weights: 'addition',
    batch: 100,
    unit: 1,
    checks: { 1: 2.484042, 60: 1.559689 },
    windows: { full: [10, 5], quick: [3, 2] },
  },
  G: {
    kind: 'train',
    about:
      'GPT of the size of DistilGPT-2: vocabulary 50257, context 512, width 768, 6 layers, 12 heads, AdamW 1e-4 with decay 0.01, batch 1; milliseconds a step. For GPUs. Everyone draws weights of its own, so losses are not compared here',
    data: 'tokens',
    batch: 1,
    unit: 1,
    checks: undefined,
    warmup: 5,
    windows: { full: [10, 5], quick: [5, 2] },
  },
  E512: product(512, 10),
  E1024: product(1024, 3),
  E2048: product(2048, 3),
  E4096: product(4096, 2),
  E8192: product(8192, 1),
  F: {
    kind: 'kernel',
    about: 'gelu(x * 1.1 + 0.2) * 0.9 + 0.1 over 16777216 floats, exact gelu',
    vector: 2 ** 24,
    rate: 'GB/s',
    work: 2 * 4 * 2 ** 24,
    repeats: 2,
  },
};

/** Windows of a kernel's timing. */
export const KERNEL_WINDOWS = { full: 7, quick: 2 };

/** The chain of F. */
export const CHAIN = { scale: 1.1, shift: 0.2, gain: 0.9, offset: 0.1 };

/** Letters of the command line as workloads: E is two sizes of matrices, `examples` nets like those of examples/, `large` what is for GPUs. */
export function workloadsOf(letters) {
  return letters.flatMap((letter) => {
    const names = SEVERAL[letter] ?? [letter];
    for (const name of names) if (!Object.hasOwn(WORKLOADS, name)) throw new Error(`there is no workload ${name}`);
    return names;
  });
}
