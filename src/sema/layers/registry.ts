import * as activations from './activations.ts';
import * as adaptive from './adaptive.ts';
import * as augmentations from './augment.ts';
import * as arrange from './layout.ts';
import { attention } from './attention.ts';
import * as convolutions from './conv.ts';
import * as convolved from './convolve.ts';
import * as diagonals from './diagonal.ts';
import * as distances from './distances.ts';
import * as dropouts from './dropout.ts';
import * as embeddings from './embedding.ts';
import * as grids from './grid.ts';
import * as indexing from './indexing.ts';
import type { Layer } from './layer.ts';
import * as algebra from './linear-algebra.ts';
import { Bilinear, Linear } from './linear.ts';
import { LocalResponseNorm } from './local-response-norm.ts';
import { masked_fill } from './masked.ts';
import * as math from './math.ts';
import { MultiheadAttention } from './multihead.ts';
import * as norms from './norm.ts';
import * as orders from './order.ts';
import * as paddings from './padding.ts';
import * as pools from './pool.ts';
import * as positions from './positions.ts';
import * as products from './products.ts';
import * as random from './random.ts';
import * as rearranged from './rearrange.ts';
import * as cells from './recurrent-cells.ts';
import * as recurrent from './recurrent.ts';
import * as reductions from './reduce.ts';
import * as reparametrized from './reparametrize.ts';
import * as repeats from './repeat.ts';
import * as scans from './scan.ts';
import * as scatters from './scatter.ts';
import * as special from './special.ts';
import * as thresholds from './threshold.ts';
import * as transformers from './transformer.ts';
import * as unpools from './unpool.ts';
import { Upsample } from './upsample.ts';

const { maximum, minimum, ...arithmetic } = math;
const { variance, ...reduce } = reductions;
const { take: _take, ...moves } = arrange;
const { standardNormal: _normal, ...noise } = random;
const { rotary, ...places } = positions;
const { pixels: _pixels, ...sampled } = grids;

type Table = Readonly<Record<string, Layer>>;

/** Every layer and function by name, in the families of the documentation. */
export const FAMILIES = {
  'Layers with weights': {
    Linear,
    Bilinear,
    ...convolutions,
    ...recurrent,
    ...cells,
    ...embeddings,
    ...places,
    MultiheadAttention,
    ...transformers,
  } as Table,
  'Normalisation and regularisation': { ...norms, LocalResponseNorm, ...dropouts, ...reparametrized } as Table,
  Augmentation: { ...augmentations } as Table,
  'Pooling and sampling': { ...pools, ...adaptive, ...unpools, Upsample, ...sampled } as Table,
  Activations: { ...activations, ...thresholds } as Table,
  Attention: { attention, rotary } as Table,
  'Element by element': { ...arithmetic, max: maximum, min: minimum, ...special } as Table,
  'Sums, extremes and orders': { ...reduce, var: variance, ...scans, ...orders } as Table,
  'Products of tensors': { ...products, ...convolved } as Table,
  'Linear algebra': { ...algebra, ...diagonals } as Table,
  'Norms and distances': distances as Table,
  'Shapes and parts': { ...moves, ...paddings, ...rearranged, ...repeats } as Table,
  Indexing: { ...indexing, ...scatters, masked_fill } as Table,
  'Random numbers': noise as Table,
} as const;

export const LAYERS: Table = Object.assign({}, ...Object.values(FAMILIES)) as Table;
