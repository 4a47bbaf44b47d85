/** Names of settings in PyTorch, NumPy and Keras, and what they are called here. */
const SAME: Readonly<Record<string, readonly string[]>> = {
  dim: ['axis', 'axes'],
  keepdim: ['keepdims'],
  correction: ['ddof'],
  lr: ['learning_rate', 'alpha', 'eta', 'step_size'],
  weight_decay: ['l2', 'decay'],
  clip: ['clipnorm', 'clip_norm', 'max_norm', 'grad_clip', 'gradient_clip'],
  clip_value: ['clipvalue'],
  batch: ['batch_size', 'batchsize', 'bs'],
  epochs: ['num_epochs', 'n_epochs', 'nb_epoch', 'epoch', 'max_epochs'],
  steps: ['num_steps', 'max_steps', 'iterations', 'iters', 'max_iter'],
  seed: ['random_state', 'random_seed', 'manual_seed'],
  x: ['inputs', 'features', 'input'],
  y: ['targets', 'labels', 'label', 'target', 'outputs'],
  split: ['train_split', 'train_size'],
  in_features: ['input_dim', 'in_dim'],
  out_features: ['units', 'output_dim', 'out_dim'],
  kernel_size: ['kernel', 'window'],
  out_channels: ['filters'],
  stride: ['strides'],
  bias: ['use_bias'],
};
const HERE: ReadonlyMap<string, string> = new Map(Object.entries(SAME).flatMap(([here, others]) => others.map((o) => [o, here] as const)));

const SHARE = 'the data line says how much is for training: data "house.csv" split=0.8';
const IN_OPTIM = 'it is a setting of optim, as in: optim adam lr=0.01';
const IN_TRAIN = 'it is a setting of train, as in: train epochs=5 batch=32 seed=42';

/** Settings that stand in another statement, or are written in another way. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  validation_split: SHARE,
  val_split: SHARE,
  test_size: SHARE,
  split: SHARE,
  lr: IN_OPTIM,
  learning_rate: IN_OPTIM,
  weight_decay: IN_OPTIM,
  momentum: IN_OPTIM,
  clip: IN_OPTIM,
  epochs: IN_TRAIN,
  steps: IN_TRAIN,
  batch: IN_TRAIN,
  batch_size: IN_TRAIN,
  shuffle: IN_TRAIN,
  seed: IN_TRAIN,
  normalize: 'it is a setting of data, as in: data "house.csv" x=sqft y=price normalize',
  beta1: 'both are given together: betas=(0.9, 0.999)',
  beta2: 'both are given together: betas=(0.9, 0.999)',
  beta_1: 'both are given together: betas=(0.9, 0.999)',
  beta_2: 'both are given together: betas=(0.9, 0.999)',
  metrics: 'a metric has a line of its own: metric mae',
  loss: 'the loss has a line of its own: loss mse',
  optimizer: 'the optimizer has a line of its own: optim adam lr=0.01',
  activation: 'an activation is a stage of its own: Linear(1, 16) -> relu',
  input_shape: 'declare the input in front of the model: input x: [28, 28]',
  device: 'choose it where you run: nnc train FILE --device gpu',
  dtype: 'write a line: precision f16',
};

/** What a setting of another library is called here, if this call has it. */
export function calledHere(name: string, known: readonly string[]): string | undefined {
  const here = HERE.get(name);
  return here !== undefined && known.includes(here) ? `it is called ${here} here: ${here}=...` : undefined;
}

/** What to write for a setting that a call does not have; undefined if there is no equivalent. `bare` is one without a value. */
export function foreignArgument(name: string, known: readonly string[], bare = false): string | undefined {
  if (bare && known.includes('x') && known.includes('y')) return `several columns are a list, as in: x=[a, ${name}]`;
  const here = calledHere(name, known);
  if (here !== undefined) return here;
  if (name === 'unbiased' && known.includes('correction')) return 'unbiased=true is correction=1, and unbiased=false is correction=0';
  return Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : undefined;
}
