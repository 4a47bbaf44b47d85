import { openData } from '../../lib/data.mjs';
import { batchesOf, transposed } from '../../lib/tensors.mjs';
import { BATCHES, WORKLOADS } from '../../lib/workloads.mjs';
import { tensor, tf } from './library.mjs';
import { trainer } from './trainer.mjs';

// The default epsilon depends on the backend; everyone else has 1e-8.
const adam = (rate) => tf.train.adam(rate, 0.9, 0.999, 1e-8);

const crossEntropy = (logits, y, classes) => tf.losses.softmaxCrossEntropy(tf.oneHot(y, classes), logits);

const dense = (x, layer) => {
  const product = tf.matMul(x, layer.weight);
  return layer.bias ? tf.add(product, layer.bias) : product;
};

/** Makes variables of weights and remembers them all; a Linear is turned to [in, out]. */
function variablesOf(weights) {
  const variables = [];
  const keep = (value) => {
    const variable = tf.variable(value);
    variables.push(variable);
    return variable;
  };
  const plain = (name) => keep(tensor(weights[name]));
  const linear = (name) => {
    const weight = keep(tensor(transposed(weights[`${name}.weight`])));
    return weights[`${name}.bias`] ? { weight, bias: plain(`${name}.bias`) } : { weight };
  };
  const affine = (name) => ({ weight: plain(`${name}.weight`), bias: plain(`${name}.bias`) });
  return { variables, keep, plain, linear, affine };
}

function inTurn(x, y, xShape, yShape) {
  const xs = batchesOf(x, xShape, BATCHES).map(tensor);
  const ys = batchesOf(y, yShape, BATCHES).map(tensor);
  return (i) => ({ operands: [xs[i % BATCHES], ys[i % BATCHES]] });
}

export const MODELS = {
  A() {
    const { x, y, weights } = openData('A');
    const { linear, variables } = variablesOf(weights);
    const [first, second] = [linear('0'), linear('2')];
    const operands = [tensor(x), tensor(y)];
    const loss = (inputs, targets) => tf.losses.meanSquaredError(targets, dense(tf.relu(dense(inputs, first)), second));
    return trainer({ loss, optimizer: adam(0.01), variables, batch: () => ({ operands }) });
  },

  B: () => perceptron('B', ({ x, y }, rows) => inTurn(x, y, [rows, 784], [rows])),

  /** Indices come from the host, rows are gathered on the device. */
  B_sampled: () =>
    perceptron('B_sampled', ({ x, y }, rows) => {
      const [all, labels] = [tensor(x), tensor(y)];
      const total = y.values.length;
      return () => {
        const chosen = Int32Array.from({ length: rows }, () => Math.floor(Math.random() * total));
        const index = tf.tensor1d(chosen, 'int32');
        const operands = [tf.gather(all, index), tf.gather(labels, index)];
        return { operands, release: () => tf.dispose([index, ...operands]) };
      };
    }),

  /** Images are rows of pixels with channels last, the only layout that it has everywhere: the same weights, turned. */
  C() {
    const { x, y, weights } = openData('C');
    const rows = WORKLOADS.C.batch;
    const { variables, keep, plain } = variablesOf(weights);
    const filter = (name) => ({
      weight: keep(tf.transpose(tensor(weights[`${name}.weight`]), [2, 3, 1, 0])),
      bias: plain(`${name}.bias`),
    });
    const [first, second] = [filter('0'), filter('3')];
    const channelsLast = tf.reshape(tf.transpose(tf.reshape(tensor(weights['7.weight']), [10, 32, 7, 7]), [2, 3, 1, 0]), [1568, 10]);
    const head = { weight: keep(channelsLast), bias: plain('7.bias') };
    const stage = (inputs, { weight, bias }) => tf.maxPool(tf.relu(tf.add(tf.conv2d(inputs, weight, 1, 'same'), bias)), 2, 2, 'valid');
    const loss = (inputs, targets) => crossEntropy(dense(tf.reshape(stage(stage(inputs, first), second), [rows, 1568]), head), targets, 10);
    return trainer({ loss, optimizer: adam(1e-3), variables, batch: inTurn(x, y, [rows, 28, 28, 1], [rows]) });
  },

  D() {
    const { x, y, weights } = openData('D');
    const [rows, context, width, heads, vocabulary] = [WORKLOADS.D.batch, 64, 128, 4, 65];
    const { variables, plain, linear, affine } = variablesOf(weights);
    const [tok, pos, ln, head] = [plain('tok.weight'), plain('pos.weight'), affine('ln'), linear('head')];
    const blocks = Array.from({ length: 4 }, (_, i) => ({
      ln1: affine(`blocks.${i}.ln1`),
      ln2: affine(`blocks.${i}.ln2`),
      qkv: linear(`blocks.${i}.attn.qkv`),
      proj: linear(`blocks.${i}.attn.proj`),
      fc1: linear(`blocks.${i}.fc1`),
      fc2: linear(`blocks.${i}.fc2`),
    }));
    const norm = (inputs, layer) => {
      const { mean, variance } = tf.moments(inputs, -1, true);
      return tf.add(tf.mul(tf.mul(tf.sub(inputs, mean), tf.rsqrt(tf.add(variance, 1e-5))), layer.weight), layer.bias);
    };
    const gelu = (inputs) => tf.mul(tf.mul(inputs, 0.5), tf.add(tf.erf(tf.mul(inputs, Math.SQRT1_2)), 1));
    const future = tf.tidy(() => tf.mul(tf.sub(1, tf.linalg.bandPart(tf.ones([context, context]), -1, 0)), -1e9));
    const attention = (inputs, block) => {
      const perHead = (part) => tf.transpose(tf.reshape(part, [rows, context, heads, width / heads]), [0, 2, 1, 3]);
      const [q, k, v] = tf.split(dense(inputs, block.qkv), 3, 1).map(perHead);
      const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(width / heads));
      const mixed = tf.matMul(tf.softmax(tf.add(scores, future)), v);
      return dense(tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [rows * context, width]), block.proj);
    };
    // The WebAssembly backend has no gradient of a gather: there, rows are chosen by a product.
    const chosen = (tokens) => tf.matMul(tf.cast(tf.oneHot(tokens, vocabulary), 'float32'), tok);
    const embed = tf.getBackend() === 'wasm' ? chosen : (tokens) => tf.gather(tok, tokens);
    const loss = (tokens, targets) => {
      const embedded = tf.reshape(embed(tf.reshape(tokens, [rows * context])), [rows, context, width]);
      let h = tf.reshape(tf.add(embedded, pos), [rows * context, width]);
      for (const block of blocks) {
        h = tf.add(h, attention(norm(h, block.ln1), block));
        h = tf.add(h, dense(gelu(dense(norm(h, block.ln2), block.fc1)), block.fc2));
      }
      return crossEntropy(dense(norm(h, ln), head), tf.reshape(targets, [rows * context]), vocabulary);
    };
    // There is no AdamW: the decay is applied by hand before the step of Adam.
    const [rate, decay] = [1e-3, 0.01];
    const before = () => tf.tidy(() => variables.forEach((v) => v.assign(tf.mul(v, 1 - rate * decay))));
    return trainer({ loss, optimizer: adam(rate), variables, batch: inTurn(x, y, [rows, context], [rows, context]), before });
  },
};

function perceptron(workload, batchesFor) {
  const data = openData(workload);
  const rows = WORKLOADS[workload].batch;
  const { linear, variables } = variablesOf(data.weights);
  const [first, second, third] = [linear('0'), linear('2'), linear('4')];
  const loss = (inputs, targets) => crossEntropy(dense(tf.relu(dense(tf.relu(dense(inputs, first)), second)), third), targets, 10);
  return trainer({ loss, optimizer: adam(1e-3), variables, batch: batchesFor(data, rows) });
}
