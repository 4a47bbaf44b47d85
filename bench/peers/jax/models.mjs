import { lax, nn, numpy as np } from '@jax-js/jax';
import { openData } from '../../lib/data.mjs';
import { batchesOf, transposed } from '../../lib/tensors.mjs';
import { BATCHES, WORKLOADS } from '../../lib/workloads.mjs';
import { adamw } from './solvers.mjs';
import { trainer } from './trainer.mjs';

export function array({ shape, values }) {
  return (values instanceof Int32Array ? np.array(values, { dtype: np.int32 }) : np.array(values)).reshape(shape);
}

const crossEntropy = (logits, y, classes, count) =>
  nn
    .logSoftmax(logits, -1)
    .mul(nn.oneHot(y, classes))
    .sum()
    .mul(-1 / count);

const dense = (x, layer) => {
  const product = np.dot(x, layer.weight);
  return layer.bias ? product.add(layer.bias) : product;
};

/** Weights of a layer; a Linear is turned to [in, out]. */
function layersOf(weights) {
  const plain = (name) => array(weights[name]);
  const linear = (name) => {
    const weight = array(transposed(weights[`${name}.weight`]));
    return weights[`${name}.bias`] ? { weight, bias: plain(`${name}.bias`) } : { weight };
  };
  const affine = (name) => ({ weight: plain(`${name}.weight`), bias: plain(`${name}.bias`) });
  return { plain, linear, affine };
}

/** The batches in turn, uploaded once. */
function inTurn(x, y, xShape, yShape) {
  const xs = batchesOf(x, xShape, BATCHES).map(array);
  const ys = batchesOf(y, yShape, BATCHES).map(array);
  return (i) => [xs[i % BATCHES].ref, ys[i % BATCHES].ref];
}

export const MODELS = {
  A() {
    const { x, y, weights } = openData('A');
    const { linear } = layersOf(weights);
    const loss = (p, inputs, targets) => {
      const error = dense(nn.relu(dense(inputs, p.first)), p.second).sub(targets);
      return error.ref.mul(error).mean();
    };
    const [all, prices] = [array(x), array(y)];
    const params = { first: linear('0'), second: linear('2') };
    return trainer({ loss, solver: adamw({ rate: 0.01 }), params, batch: () => [all.ref, prices.ref] });
  },

  B: () => perceptron('B', ({ x, y }, rows) => inTurn(x, y, [rows, 784], [rows])),

  /** Indices come from the host, rows are gathered on the device. */
  B_sampled: () =>
    perceptron('B_sampled', ({ x, y }, rows) => {
      const [all, labels] = [array(x), array(y)];
      const total = y.values.length;
      return () => {
        const chosen = Int32Array.from({ length: rows }, () => Math.floor(Math.random() * total));
        const index = np.array(chosen, { dtype: np.int32 });
        return [all.ref.slice(index.ref), labels.ref.slice(index)];
      };
    }),

  C() {
    const { x, y, weights } = openData('C');
    const rows = WORKLOADS.C.batch;
    const { linear, affine } = layersOf(weights);
    const stage = (inputs, { weight, bias }, channels) => {
      const filtered = lax.convGeneralDilated(inputs, weight, [1, 1], 'SAME').add(bias.reshape([channels, 1, 1]));
      return lax.reduceWindow(nn.relu(filtered), np.max, [2, 2], [2, 2]);
    };
    const loss = (p, inputs, targets) => {
      const features = stage(stage(inputs, p.first, 16), p.second, 32).reshape([rows, 1568]);
      return crossEntropy(dense(features, p.head), targets, 10, rows);
    };
    const params = { first: affine('0'), second: affine('3'), head: linear('7') };
    return trainer({ loss, solver: adamw({ rate: 1e-3 }), params, batch: inTurn(x, y, [rows, 1, 28, 28], [rows]) });
  },

  D() {
    const { x, y, weights } = openData('D');
    const [rows, context, width, heads, vocabulary] = [WORKLOADS.D.batch, 64, 128, 4, 65];
    const { plain, linear, affine } = layersOf(weights);
    const norm = (inputs, layer) => nn.standardize(inputs, -1).mul(layer.weight).add(layer.bias);
    const attention = (inputs, block) => {
      const qkv = dense(inputs, block.qkv).reshape([rows, context, 3, heads, width / heads]);
      const [q, k] = [qkv.ref.slice([], [], 0), qkv.ref.slice([], [], 1)];
      const mixed = nn.dotProductAttention(q, k, qkv.slice([], [], 2), { isCausal: true });
      return dense(mixed.reshape([rows, context, width]), block.proj);
    };
    const loss = (p, tokens, targets) => {
      let h = p.tok.slice(tokens).add(p.pos);
      for (const block of p.blocks) {
        h = h.ref.add(attention(norm(h, block.ln1), block));
        h = h.ref.add(dense(nn.gelu(dense(norm(h, block.ln2), block.fc1), { approximate: false }), block.fc2));
      }
      return crossEntropy(dense(norm(h, p.ln), p.head), targets, vocabulary, rows * context);
    };
    const blocks = Array.from({ length: 4 }, (_, i) => ({
      ln1: affine(`blocks.${i}.ln1`),
      ln2: affine(`blocks.${i}.ln2`),
      qkv: linear(`blocks.${i}.attn.qkv`),
      proj: linear(`blocks.${i}.attn.proj`),
      fc1: linear(`blocks.${i}.fc1`),
      fc2: linear(`blocks.${i}.fc2`),
    }));
    const params = { tok: plain('tok.weight'), pos: plain('pos.weight'), blocks, ln: affine('ln'), head: linear('head') };
    const solver = adamw({ rate: 1e-3, decay: 0.01 });
    return trainer({ loss, solver, params, batch: inTurn(x, y, [rows, context], [rows, context]) });
  },
};

function perceptron(workload, batchesFor) {
  const data = openData(workload);
  const rows = WORKLOADS[workload].batch;
  const { linear } = layersOf(data.weights);
  const loss = (p, inputs, targets) => {
    const hidden = nn.relu(dense(nn.relu(dense(inputs, p.first)), p.second));
    return crossEntropy(dense(hidden, p.third), targets, 10, rows);
  };
  const params = { first: linear('0'), second: linear('2'), third: linear('4') };
  return trainer({ loss, solver: adamw({ rate: 1e-3 }), params, batch: batchesFor(data, rows) });
}
