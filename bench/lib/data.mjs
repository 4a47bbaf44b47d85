import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { seeded } from './random.mjs';
import { readTensors, transposed, writeTensors } from './tensors.mjs';
import { WORKLOADS } from './workloads.mjs';

const FOLDER = fileURLToPath(new URL('../data/', import.meta.url));
const IMAGES = 4096;
const PIXELS = 784;
const VOCABULARY = 65;
const CONTEXT = 64;
const SEQUENCES = 256;
const CHARACTERS = 65536;
const TOKENS = 50257;
const TOKEN_CONTEXT = 512;
const TOKEN_SEQUENCES = 16;

export const dataPath = (name) => `${FOLDER}${name}.safetensors`;
const weightsPath = (name) => `${FOLDER}${name}.weights.safetensors`;

/** What a training workload starts from: inputs, targets, and weights by PyTorch's names, in PyTorch's layouts, unless everyone draws them. */
export function openData(workload) {
  const { data, weights } = WORKLOADS[workload];
  const { x, y } = readTensors(dataPath(data));
  return { x, y, weights: weights && readTensors(weightsPath(weights)) };
}

/** Makes all data and all initial weights anew: the same bytes every time. */
export function generateData() {
  mkdirSync(FOLDER, { recursive: true });
  const random = seeded(12345);
  const fill = (shape, value) => ({ shape, values: new Float32Array(shape.reduce((a, b) => a * b, 1)).map(value) });
  const uniform = (shape, fanIn) => fill(shape, () => (random.uniform() * 2 - 1) / Math.sqrt(fanIn));
  // Drawn as [in, out] and kept as PyTorch keeps it.
  const linear = (fanIn, fanOut) => ({ weight: transposed(uniform([fanIn, fanOut], fanIn)), bias: uniform([fanOut], fanIn) });
  const model = (workload, layers) => writeTensors(weightsPath(workload), named(layers));

  writeTensors(dataPath('house'), house(random));
  model('A', { 0: linear(1, 16), 2: linear(16, 1) });

  writeTensors(dataPath('images'), images(random));
  model('B', { 0: linear(784, 256), 2: linear(256, 128), 4: linear(128, 10) });
  const conv = (out, input) => ({ weight: uniform([out, input, 3, 3], input * 9), bias: uniform([out], input * 9) });
  model('C', { 0: conv(16, 1), 3: conv(32, 16), 7: linear(1568, 10) });

  writeTensors(dataPath('tokens'), tokens(seeded(54321)));
  writeTensors(dataPath('text'), text(random));
  const gpt = (draw, { vocabulary, context, width, blocks }) => {
    const normal = (shape) => fill(shape, () => draw.normal() * 0.02);
    const small = (fanIn, fanOut) => transposed(normal([fanIn, fanOut]));
    const ones = (n) => fill([n], () => 1);
    const zeros = (n) => fill([n], () => 0);
    const norm = () => ({ weight: ones(width), bias: zeros(width) });
    const projection = (fanIn, fanOut) => ({ weight: small(fanIn, fanOut), bias: zeros(fanOut) });
    const layers = { tok: { weight: normal([vocabulary, width]) }, pos: { weight: normal([context, width]) } };
    for (let i = 0; i < blocks; i++) {
      layers[`blocks.${i}.ln1`] = norm();
      layers[`blocks.${i}.ln2`] = norm();
      layers[`blocks.${i}.attn.qkv`] = projection(width, 3 * width);
      layers[`blocks.${i}.attn.proj`] = projection(width, width);
      layers[`blocks.${i}.fc1`] = projection(width, 4 * width);
      layers[`blocks.${i}.fc2`] = projection(4 * width, width);
    }
    layers.ln = norm();
    layers.head = { weight: small(width, vocabulary) };
    return layers;
  };
  model('D', gpt(random, { vocabulary: VOCABULARY, context: CONTEXT, width: 128, blocks: 4 }));
  model('tale', gpt(seeded(1), { vocabulary: VOCABULARY, context: CONTEXT, width: 96, blocks: 3 }));
  writeTensors(dataPath('sums'), sums(seeded(2)));
  model('digits', { 0: conv(8, 1), 3: conv(16, 8), 7: linear(784, 32), 9: linear(32, 10) });
  model('addition', gpt(seeded(3), { vocabulary: 12, context: 8, width: 48, blocks: 2 }));
  model('wide', { 0: conv(64, 1), 2: conv(64, 64), 5: conv(128, 64), 7: conv(128, 128), 11: linear(6272, 10) });
}

/** `{ 0: { weight } }` as `{ '0.weight' }`. */
function named(layers) {
  return Object.fromEntries(
    Object.entries(layers).flatMap(([layer, tensors]) => Object.entries(tensors).map(([name, tensor]) => [`${layer}.${name}`, tensor])),
  );
}

/** Prices of houses: a line with noise. */
function house(random) {
  const x = new Float32Array(100).map(() => random.uniform() * 5);
  const y = x.map((size) => 200 * size + 50 + random.normal() * 20);
  return { x: { shape: [100, 1], values: x }, y: { shape: [100, 1], values: y } };
}

/** Ten prototypes with noise; 15% of the labels are wrong, so that the loss cannot fall to nothing. */
function images(random) {
  const prototypes = Array.from({ length: 10 }, () => new Float32Array(PIXELS).map(() => (random.uniform() < 0.2 ? random.uniform() : 0)));
  const x = new Float32Array(IMAGES * PIXELS);
  const y = new Int32Array(IMAGES);
  for (let i = 0; i < IMAGES; i++) {
    const kind = random.below(10);
    y[i] = random.uniform() < 0.15 ? random.below(10) : kind;
    for (let j = 0; j < PIXELS; j++) x[i * PIXELS + j] = Math.min(1, Math.max(0, prototypes[kind][j] * 0.6 + random.normal() * 0.3));
  }
  return { x: { shape: [IMAGES, PIXELS], values: x }, y: { shape: [IMAGES], values: y } };
}

/** Sequences of as many tokens as GPT-2 knows, at random; the target of a token is the next one. */
function tokens(random) {
  const all = Array.from({ length: TOKEN_SEQUENCES }, () => Int32Array.from({ length: TOKEN_CONTEXT + 1 }, () => random.below(TOKENS)));
  const part = (from) => Int32Array.from(all.flatMap((s) => [...s.subarray(from, from + TOKEN_CONTEXT)]));
  const shape = [TOKEN_SEQUENCES, TOKEN_CONTEXT];
  return { x: { shape, values: part(0) }, y: { shape, values: part(1) } };
}

/** Sums of two numbers below 100 as tokens, the sum with its last digit first; only its digits are targets. */
function sums(random) {
  const rows = 1600;
  const x = new Int32Array(rows * 8);
  const y = new Int32Array(rows * 8).fill(-1);
  const digitsOf = (n) => [Math.floor(n / 10), n % 10];
  for (let i = 0; i < rows; i++) {
    const [a, b] = [random.below(100), random.below(100)];
    const digits = [(a + b) % 10, Math.floor((a + b) / 10) % 10, Math.floor((a + b) / 100)];
    x.set([...digitsOf(a), 10, ...digitsOf(b), 11, ...digits.slice(0, 2)], i * 8);
    y.set(digits, i * 8 + 5);
  }
  return { x: { shape: [rows, 8], values: x }, y: { shape: [rows, 8], values: y } };
}

/** A text of 200 made-up words, frequent and rare; the target of a character is the next one. */
function text(random) {
  const words = Array.from({ length: 200 }, () => Array.from({ length: 2 + random.below(6) }, () => 1 + random.below(VOCABULARY - 1)));
  const characters = [];
  while (characters.length < CHARACTERS) characters.push(...words[Math.floor(random.uniform() * random.uniform() * words.length)], 0);
  const x = new Int32Array(SEQUENCES * CONTEXT);
  const y = new Int32Array(SEQUENCES * CONTEXT);
  for (let s = 0; s < SEQUENCES; s++) {
    const start = random.below(CHARACTERS - CONTEXT - 6);
    for (let t = 0; t < CONTEXT; t++) {
      x[s * CONTEXT + t] = characters[start + t];
      y[s * CONTEXT + t] = characters[start + t + 1];
    }
  }
  return { x: { shape: [SEQUENCES, CONTEXT], values: x }, y: { shape: [SEQUENCES, CONTEXT], values: y } };
}
