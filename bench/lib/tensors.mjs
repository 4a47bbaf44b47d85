import { readFileSync, writeFileSync } from 'node:fs';

const ARRAYS = { F32: Float32Array, I32: Int32Array };

/** Writes named tensors as safetensors: JavaScript, Python and nnc's own command line all read it. */
export function writeTensors(path, tensors) {
  const header = {};
  let offset = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    const dtype = values instanceof Int32Array ? 'I32' : 'F32';
    header[name] = { dtype, shape, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
  }
  const json = JSON.stringify(header);
  // Padded, so that the numbers begin at a multiple of eight and can be viewed in place.
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const bodies = Object.values(tensors).map(({ values }) => Buffer.from(values.buffer, values.byteOffset, values.byteLength));
  writeFileSync(path, Buffer.concat([length, text, ...bodies]));
}

/** Reads what {@link writeTensors} wrote. */
export function readTensors(path) {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, start));
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: range }] of Object.entries(header)) {
    const body = bytes.buffer.slice(bytes.byteOffset + start + range[0], bytes.byteOffset + start + range[1]);
    tensors[name] = { shape, values: new ARRAYS[dtype](body) };
  }
  return tensors;
}

/** A matrix [a, b] as [b, a]: PyTorch and nnc keep a Linear as [out, in], and most of JavaScript as [in, out]. */
export function transposed({ shape: [rows, columns], values }) {
  const out = new values.constructor(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c];
  return { shape: [columns, rows], values: out };
}

/** Consecutive rows as tensors of their own, each of `shape`, whose first number is the rows of a batch. */
export function batchesOf({ values }, shape, count) {
  const size = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, (_, i) => ({ shape, values: values.slice(i * size, (i + 1) * size) }));
}
