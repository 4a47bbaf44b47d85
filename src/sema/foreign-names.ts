/** A word of PyTorch, Keras or NumPy that has another name here. */
export interface Foreign {
  /** The word or operator used here. */
  readonly here: string;
  /** One line that uses it. */
  readonly example: string;
  /** What else is different. */
  readonly besides?: string;
}

type Table = Readonly<Record<string, Foreign>>;

const to = (here: string, example: string, besides?: string): Foreign => ({ here, example, ...(besides ? { besides } : {}) });
const BOTH = 'what flows in comes first, then what flows out';
const CHANNELS = 'it takes the channels that flow in, those that flow out, and the window';
const BATCH = 'the batch stays in front and is not written';
const stage = (here: string, call = here): Foreign => to(here, `Linear(6, 4) -> ${call}`);
const loss = (here: string): Foreign => to(here, `loss ${here}`);
const metric = (here: string): Foreign => to(here, `metric ${here}`);
const start = (here: string): Foreign => to(here, `Linear(6, 4, init=${here})`);
const rate = (here: string, call: string): Foreign => to(here, `optim sgd lr=${call}`);
const images = (here: string, call: string): Foreign => to(here, `Conv2d(3, 8, 3) -> ${call}`);

const LAYERS: Table = {
  ReLU: stage('relu'),
  LeakyReLU: stage('leaky_relu', 'leaky_relu(0.01)'),
  ELU: stage('elu'),
  GELU: stage('gelu'),
  SiLU: stage('silu'),
  swish: stage('silu'),
  Sigmoid: stage('sigmoid'),
  Tanh: stage('tanh'),
  Softplus: stage('softplus'),
  Softmax: stage('softmax', 'softmax(dim=-1)'),
  LogSoftmax: stage('log_softmax', 'log_softmax(dim=-1)'),
  PReLU: stage('prelu'),
  Flatten: images('flatten', 'flatten'),
  Unflatten: stage('unflatten', 'unflatten(-1, [2, 2])'),
  Reshape: to('reshape', 'Linear(6, 4) -> reshape([2, 2])', BATCH),
  Dense: to('Linear', 'Linear(6, 4) -> relu', BOTH),
  Conv1D: to('Conv1d', 'Conv1d(4, 8, 3)', CHANNELS),
  Conv2D: to('Conv2d', 'Conv2d(3, 8, 3)', CHANNELS),
  Conv3D: to('Conv3d', 'Conv3d(3, 8, 3)', CHANNELS),
  Conv2DTranspose: to('ConvTranspose2d', 'ConvTranspose2d(3, 8, 3)', CHANNELS),
  MaxPooling1D: to('MaxPool1d', 'Conv1d(4, 8, 3) -> MaxPool1d(2)'),
  MaxPooling2D: images('MaxPool2d', 'MaxPool2d(2)'),
  AveragePooling2D: images('AvgPool2d', 'AvgPool2d(2)'),
  GlobalAveragePooling2D: images('AdaptiveAvgPool2d', 'AdaptiveAvgPool2d(1) -> flatten'),
  GlobalMaxPooling2D: images('AdaptiveMaxPool2d', 'AdaptiveMaxPool2d(1) -> flatten'),
  BatchNormalization: images('BatchNorm2d', 'BatchNorm2d(8)'),
  LayerNormalization: stage('LayerNorm', 'LayerNorm(4)'),
  GroupNormalization: images('GroupNorm', 'GroupNorm(2, 8)'),
  SpatialDropout2D: images('Dropout2d', 'Dropout2d(0.5)'),
  UpSampling2D: images('Upsample', 'Upsample(2)'),
  interpolate: images('Upsample', 'Upsample(2)'),
  ZeroPadding2D: to('ZeroPad2d', 'ZeroPad2d(1) -> Conv2d(3, 8, 3)'),
  SimpleRNN: to('RNN', 'RNN(6, 4)', BOTH),
  Bidirectional: to('bidirectional', 'LSTM(6, 4, bidirectional=true)'),
  Sequential: to('->', 'Linear(6, 4) -> relu -> Linear(4, 1)'),
  ModuleList: to('repeat', 'repeat 3 (Linear(6, 6) -> relu)'),
  ModuleDict: to('->', 'encode: Linear(6, 4) -> decode: Linear(4, 6)'),
  Module: to('block', 'block Half(d) { x -> Linear(d, d) -> relu }'),
  Parameter: to('param', 'param w: [3] = ones'),
  Input: to('input', 'input x: [4, 6]', BATCH),
  Concatenate: to('concat', 'concat(x, y, dim=1)'),
  Add: to('+', 'x + y'),
  Multiply: to('*', 'x * y'),
};

const FUNCTIONS: Table = {
  view: to('reshape', 'Linear(6, 4) -> reshape([2, 2])', BATCH),
  cat: to('concat', 'concat(x, y, dim=1)'),
  concatenate: to('concat', 'concat(x, y, dim=1)'),
  chunk: to('split', 'split(x, 2, dim=1)'),
  mm: to('@', 'x @ transpose(y)'),
  bmm: to('@', 'x @ transpose(y)'),
  dot: to('@', 'x @ transpose(y)'),
  tensordot: to('einsum', 'einsum(x, y, equation="bij,bkj->bik")'),
  add: to('+', 'x + y'),
  sub: to('-', 'x - y'),
  subtract: to('-', 'x - y'),
  mul: to('*', 'x * y'),
  multiply: to('*', 'x * y'),
  div: to('/', 'x / y'),
  divide: to('/', 'x / y'),
  power: to('^', 'x^2'),
  eq: to('==', 'x == y'),
  ne: to('!=', 'x != y'),
  lt: to('<', 'x < y'),
  le: to('<=', 'x <= y'),
  gt: to('>', 'x > y'),
  ge: to('>=', 'x >= y'),
  equal: to('==', 'x == y'),
  less: to('<', 'x < y'),
  greater: to('>', 'x > y'),
  maximum: to('max', 'max(x, y)'),
  minimum: to('min', 'min(x, y)'),
  clip: to('clamp', 'clamp(x, min=0, max=1)'),
  clamp_min: to('clamp', 'clamp(x, min=0)'),
  clamp_max: to('clamp', 'clamp(x, max=1)'),
  floor_divide: to('floor', 'floor(x / y)'),
  true_divide: to('/', 'x / y'),
  absolute: to('abs', 'abs(x)'),
  negative: to('-', '-x'),
  ln: to('log', 'log(x)'),
  arcsin: to('asin', 'asin(x)'),
  arccos: to('acos', 'acos(x)'),
  arctan: to('atan', 'atan(x)'),
  arctan2: to('atan2', 'atan2(x, y)'),
  reduce_sum: to('sum', 'sum(x, dim=1)'),
  reduce_mean: to('mean', 'mean(x, dim=1)'),
  reduce_max: to('amax', 'amax(x, dim=1)'),
  expand_dims: to('unsqueeze', 'unsqueeze(x, dim=1)'),
  newaxis: to('None', 'x[:, None]'),
  swapaxes: to('transpose', 'transpose(x, 1, 2)'),
  ravel: to('flatten', 'flatten(x)'),
  tensor: to('[...]', '[[1, 2], [3, 4]]'),
  array: to('[...]', '[[1, 2], [3, 4]]'),
  astype: to('int', 'int(x)'),
  cast: to('int', 'int(x)'),
  long: to('int', 'int(x)'),
  empty: to('zeros', 'zeros(2, 3)'),
  range: to('arange', 'arange(5)'),
  inv: to('inverse', 'inverse([[2, 1], [1, 2]])'),
  stop_gradient: to('detach', 'detach(x)'),
  no_grad: to('detach', 'detach(x)'),
  True: to('true', 'Linear(6, 4, bias=true)'),
  False: to('false', 'Linear(6, 4, bias=false)'),
};

const LOSSES_AND_METRICS: Table = {
  CrossEntropyLoss: loss('cross_entropy'),
  categorical_crossentropy: loss('cross_entropy'),
  sparse_categorical_crossentropy: loss('cross_entropy'),
  CategoricalCrossentropy: loss('cross_entropy'),
  SparseCategoricalCrossentropy: loss('cross_entropy'),
  NLLLoss: loss('nll'),
  nll_loss: loss('nll'),
  BCELoss: loss('bce'),
  binary_cross_entropy: loss('bce'),
  binary_crossentropy: loss('bce'),
  BinaryCrossentropy: loss('bce'),
  BCEWithLogitsLoss: loss('bce_with_logits'),
  binary_cross_entropy_with_logits: loss('bce_with_logits'),
  MSELoss: loss('mse'),
  mse_loss: loss('mse'),
  mean_squared_error: loss('mse'),
  MeanSquaredError: loss('mse'),
  L1Loss: loss('l1'),
  l1_loss: loss('l1'),
  mean_absolute_error: loss('l1'),
  MeanAbsoluteError: loss('l1'),
  KLDivLoss: loss('kl_div'),
  KLDivergence: loss('kl_div'),
  acc: metric('accuracy'),
  binary_accuracy: metric('accuracy'),
  categorical_accuracy: metric('accuracy'),
  sparse_categorical_accuracy: metric('accuracy'),
  BinaryAccuracy: metric('accuracy'),
  CategoricalAccuracy: metric('accuracy'),
  SparseCategoricalAccuracy: metric('accuracy'),
  top_k_categorical_accuracy: to('top_k', 'metric top_k(2)'),
  RootMeanSquaredError: metric('rmse'),
  r2_score: metric('r2'),
};

const TRAINING: Table = {
  SGD: to('sgd', 'optim sgd lr=0.01 momentum=0.9'),
  Adam: to('adam', 'optim adam lr=0.001'),
  AdamW: to('adamw', 'optim adamw lr=0.001 weight_decay=0.01'),
  RMSprop: to('rmsprop', 'optim rmsprop lr=0.001'),
  StepLR: rate('step', 'step(0.1, 30)'),
  ExponentialLR: rate('exponential', 'exponential(0.1, 0.999)'),
  ExponentialDecay: rate('exponential', 'exponential(0.1, 0.999)'),
  CosineAnnealingLR: rate('cosine', 'cosine(0.1)'),
  cosine_annealing: rate('cosine', 'cosine(0.1)'),
  CosineDecay: rate('cosine', 'cosine(0.1)'),
  OneCycleLR: rate('one_cycle', 'one_cycle(0.1)'),
  LinearLR: rate('linear', 'linear(0.1)'),
  zeros_: start('zeros'),
  ones_: start('ones'),
  xavier_uniform_: start('xavier_uniform'),
  xavier_normal_: start('xavier_normal'),
  kaiming_uniform_: start('kaiming_uniform'),
  kaiming_normal_: start('kaiming_normal'),
  orthogonal_: start('orthogonal'),
  glorot_uniform: start('xavier_uniform'),
  glorot_normal: start('xavier_normal'),
  he_uniform: start('kaiming_uniform'),
  he_normal: start('kaiming_normal'),
};

export const FOREIGN: Table = { ...LAYERS, ...FUNCTIONS, ...LOSSES_AND_METRICS, ...TRAINING };

const DATA_DEPENDENT = 'its shape would depend on the data, and shapes are known while compiling; where(condition, a, b) keeps them';
const PLACE = 'where a program runs is not written in it: nnc run --device gpu';
const EXTENT = 'sizes are known while compiling: write the number, or name it with let';

const AUGMENTED =
  'images are changed at random by RandomHorizontalFlip, RandomVerticalFlip and RandomCrop, and by arithmetic with random numbers';

/** Words without an equivalent, and what to do instead. */
export const FOREIGN_NOTES: Readonly<Record<string, string>> = {
  None: 'leave the argument out, or write false to switch something off',
  inf: 'numbers are finite here: 1e30 is larger than anything it meets, and masked_fill(x, mask, -1e30) masks',
  nan: 'numbers are finite here: where(condition, a, b) chooses without it',
  len: EXTENT,
  numel: EXTENT,
  ndim: EXTENT,
  cuda: PLACE,
  cpu: PLACE,
  device: PLACE,
  nonzero: DATA_DEPENDENT,
  unique: DATA_DEPENDENT,
  masked_select: DATA_DEPENDENT,
  self: 'a block has no self: what flows in is x, and its layers stand in its lines',
  Activation: 'an activation is called by its own name: Linear(6, 4) -> relu',
  Lambda: 'a function of your own is a line: fn half(x) = x / 2',
  RandomFlip: AUGMENTED,
  RandomRotation: AUGMENTED,
  RandomAffine: AUGMENTED,
  RandomResizedCrop: AUGMENTED,
  RandomErasing: AUGMENTED,
  ColorJitter: AUGMENTED,
  GaussianNoise: 'noise is arithmetic: fn noisy(x) = x + 0.1 * randn_like(x)',
  CenterCrop: 'a part is an index: x[:, :, 2:26, 2:26]',
  ReduceLROnPlateau: 'write plateau, as in: optim sgd lr=plateau(0.1)',
};
