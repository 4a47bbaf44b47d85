/** What nnc has for a name of PyTorch, where no entry of its tables says so: the form, as a program writes it, and what to know. */
export interface Form {
  readonly nnc: string;
  readonly note?: string;
}

const form = (nnc: string, note?: string): Form => ({ nnc, ...(note === undefined ? {} : { note }) });

const OWN_WEIGHTS = 'with weights of its own';
const INDICES = 'two values: the largest, and where they stood';
const SCALE = 'scale and shift are arithmetic';
const ROOT = form('sqrt(8 * AvgPool3d(volume^2, 2))', 'the root of a sum of squares; other powers likewise');
const UNPOOL = form(
  'scatter_add(zeros(2, 3, 64), flatten(places, 2), flatten(values, 2), dim=2) -> reshape([2, 3, 4, 4, 4])',
  'back to 4 x 4 x 4 places, where no two windows chose the same',
);

export const FORMS: Readonly<Record<string, Form>> = {
  'torch.optim.lr_scheduler.ChainedScheduler': form('optim sgd lr=cosine(0.1) * 0.99^step'),
  'torch.optim.lr_scheduler.ConstantLR': form('optim sgd lr=multi_step(0.03, [5], gamma=3)'),
  'torch.optim.lr_scheduler.CosineAnnealingWarmRestarts': form('optim sgd lr=cosine_restarts(0.1, 10)'),
  'torch.optim.lr_scheduler.LambdaLR': form('optim sgd lr=0.1 * 0.95^step'),
  'torch.optim.lr_scheduler.MultiplicativeLR': form('optim sgd lr=0.1 * 0.95^step'),
  'torch.optim.lr_scheduler.ReduceLROnPlateau': form('optim sgd lr=plateau(0.1)', 'watches the mean training loss of every epoch'),
  'torch.optim.lr_scheduler.StepLR': form('optim sgd lr=step(0.1, 7*32)', 'StepLR(optimizer, 7) once an epoch of 32 steps'),
  'torch.optim.lr_scheduler.MultiStepLR': form('optim sgd lr=multi_step(0.1, [7*32, 9*32])', 'milestones of 7 and 9 epochs of 32 steps'),
  'torch.optim.lr_scheduler.ExponentialLR': form('optim sgd lr=exponential(0.1, 0.9^(1/32))', 'a factor of 0.9 for an epoch of 32 steps'),
  'torch.optim.lr_scheduler.SequentialLR': form('optim sgd lr=min(linear(0.1), cosine(0.1))'),
  'torch.nn.Sequential': form('Linear(6, 4) -> relu -> Linear(4, 1)', 'a chain'),
  'torch.nn.ModuleList': form('repeat 3 (Linear(6, 6) -> relu)', 'copies with weights of their own'),
  'torch.nn.ModuleDict': form('encode: Linear(6, 4) -> decode: Linear(4, 6)', 'any stage may have a name'),
  'torch.nn.ParameterList': form('param w: [3] = ones', 'each by its name'),
  'torch.nn.ParameterDict': form('param w: [3] = ones', 'each by its name'),
  'torch.nn.Softmax2d': form('softmax(dim=1)'),
  'torch.nn.UpsamplingNearest2d': form('Upsample(scale_factor=2)'),
  'torch.nn.UpsamplingBilinear2d': form('Upsample(scale_factor=2, mode=bilinear, align_corners=true)'),
  'torch.nn.NLLLoss2d': form('loss nll(dim=1)'),
  'torch.nn.CrossMapLRN2d': form(
    'LocalResponseNorm(3)',
    "PyTorch's old layer keeps the first channel in all later sums, and this does not",
  ),
  'torch.nn.Transformer': form(
    'TransformerDecoder(y, TransformerEncoder(x, 6, 2, 1, norm=true), 6, 2, 1, norm=true)',
    'x is the source, y the target',
  ),
  'torch.nn.LPPool3d': ROOT,
  'torch.nn.MaxUnpool3d': UNPOOL,

  'torch.nn.functional.linear': form('x @ transpose(w) + b'),
  'torch.nn.functional.bilinear': form('einsum(x, cube, y, equation="nti,oij,ntj->nto")'),
  'torch.nn.functional.embedding': form('w[tokens]', 'the rows that whole numbers name'),
  'torch.nn.functional.embedding_bag': form('mean(w[tokens], dim=1)'),
  'torch.nn.functional.prelu': form('where(x > 0, x, slope * x)'),
  'torch.nn.functional.batch_norm': form('BatchNorm1d(4, affine=false, track_running_stats=false)', SCALE),
  'torch.nn.functional.layer_norm': form('LayerNorm(6, elementwise_affine=false)', SCALE),
  'torch.nn.functional.rms_norm': form('RMSNorm(6, elementwise_affine=false)', 'the scale is arithmetic'),
  'torch.nn.functional.group_norm': form('GroupNorm(2, 4, affine=false)', SCALE),
  'torch.nn.functional.instance_norm': form('InstanceNorm1d(4)', SCALE),
  'torch.nn.functional.conv_transpose1d': form('ConvTranspose1d(4, 2, 3)', OWN_WEIGHTS),
  'torch.nn.functional.conv_transpose2d': form('ConvTranspose2d(3, 2, 3)', OWN_WEIGHTS),
  'torch.nn.functional.conv_transpose3d': form('ConvTranspose3d(3, 2, 3)', OWN_WEIGHTS),
  'torch.nn.functional.multi_head_attention_forward': form('MultiheadAttention(6, 2)', OWN_WEIGHTS),
  'torch.nn.functional.interpolate': form('Upsample(scale_factor=2)'),
  'torch.nn.functional.upsample_nearest': form('Upsample(scale_factor=2)'),
  'torch.nn.functional.upsample_bilinear': form('Upsample(scale_factor=2, mode=bilinear, align_corners=true)'),
  'torch.nn.functional.binary_cross_entropy': form('loss bce'),
  'torch.nn.functional.binary_cross_entropy_with_logits': form('loss bce_with_logits'),
  'torch.nn.functional.native_channel_shuffle': form('ChannelShuffle(2)'),
  'torch.nn.functional.lp_pool3d': ROOT,
  'torch.nn.functional.max_unpool3d': UNPOOL,
  'torch.nn.functional.max_pool1d_with_indices': form('MaxPool1d(2, return_indices=true)', INDICES),
  'torch.nn.functional.max_pool2d_with_indices': form('MaxPool2d(2, return_indices=true)', INDICES),
  'torch.nn.functional.max_pool3d_with_indices': form('MaxPool3d(2, return_indices=true)', INDICES),
  'torch.nn.functional.adaptive_max_pool1d_with_indices': form('AdaptiveMaxPool1d(2, return_indices=true)', INDICES),
  'torch.nn.functional.adaptive_max_pool2d_with_indices': form('AdaptiveMaxPool2d(2, return_indices=true)', INDICES),
  'torch.nn.functional.adaptive_max_pool3d_with_indices': form('AdaptiveMaxPool3d(2, return_indices=true)', INDICES),

  'torch.optim.lr_scheduler.CosineAnnealingLR': form('optim sgd lr=cosine(0.1)'),
};

const RANDOM_WINDOWS = 'its windows stand at random places, and what a kernel reads is settled when it is compiled';
const ONE_DEVICE = 'training is on one device';
const LAZY = 'a program says the sizes of what flows in, and they are checked before anything runs';

/** What nnc does not have, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  'torch.nn.AdaptiveLogSoftmaxWithLoss': 'how many rows each cluster of classes has depends on the data, and shapes do not',
  'torch.nn.DataParallel': ONE_DEVICE,
  'torch.nn.SyncBatchNorm': ONE_DEVICE,
  'torch.nn.FractionalMaxPool2d': RANDOM_WINDOWS,
  'torch.nn.FractionalMaxPool3d': RANDOM_WINDOWS,
  'torch.nn.functional.fractional_max_pool2d': RANDOM_WINDOWS,
  'torch.nn.functional.fractional_max_pool3d': RANDOM_WINDOWS,
  'torch.nn.functional.fractional_max_pool2d_with_indices': RANDOM_WINDOWS,
  'torch.nn.functional.fractional_max_pool3d_with_indices': RANDOM_WINDOWS,
  'torch.nn.functional.conv_tbc': 'it has the time in front of the batch, which is the first axis here',
  'torch.nn.functional.pdist': 'it has a row for each pair of the batch, whose size is not known while compiling',
  ...Object.fromEntries(
    ['BatchNorm', 'Conv', 'ConvTranspose', 'InstanceNorm'].flatMap((kind) => [1, 2, 3].map((n) => [`torch.nn.Lazy${kind}${n}d`, LAZY])),
  ),
  'torch.nn.LazyLinear': LAZY,
  'torch.optim.SparseAdam': 'its gradients are sparse, and here they are dense',
};

/**
 * Names that are to come: with the form that will stand for them, or '' where an entry of the compiler's tables will name them.
 * A test tells which have arrived: those go out of this list, and their forms into FORMS.
 */
export const PENDING: Readonly<Record<string, string>> = {};
