import type { Code } from '../base/codes.ts';
import { fail } from '../base/errors.ts';

/** One tensor of a safetensors file. Integers wider than 32 bits must fit into an i32. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
  /** The file held unsigned bytes, as images do; as an input, 255 becomes 1. */
  readonly bytes?: boolean;
  /** Write the integers with 64 bits. */
  readonly wide?: boolean;
}

interface Header {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** How to read each element type; .npy files use the same. */
export const READERS: Readonly<
  Record<string, { readonly bytes: number; readonly read: (view: DataView, at: number) => number; readonly int: boolean }>
> = {
  F64: { bytes: 8, read: (v, at) => v.getFloat64(at, true), int: false },
  F32: { bytes: 4, read: (v, at) => v.getFloat32(at, true), int: false },
  F16: { bytes: 2, read: (v, at) => half(v.getUint16(at, true)), int: false },
  BF16: { bytes: 2, read: (v, at) => bfloat(v.getUint16(at, true)), int: false },
  I64: { bytes: 8, read: (v, at) => Number(v.getBigInt64(at, true)), int: true },
  I32: { bytes: 4, read: (v, at) => v.getInt32(at, true), int: true },
  I16: { bytes: 2, read: (v, at) => v.getInt16(at, true), int: true },
  I8: { bytes: 1, read: (v, at) => v.getInt8(at), int: true },
  U8: { bytes: 1, read: (v, at) => v.getUint8(at), int: true },
  BOOL: { bytes: 1, read: (v, at) => v.getUint8(at), int: true },
};

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function bfloat(bits: number): number {
  return new DataView(new Uint32Array([(bits << 16) >>> 0]).buffer).getFloat32(0, true);
}

/** No writer makes larger headers; the bound keeps a broken file from exhausting memory. */
const MAX_HEADER = 100_000_000;

/** The header entry that is not a tensor. */
const METADATA = '__metadata__';

/** Reads a safetensors file (header length, header as JSON, data; all little-endian). `name` is for messages. */
export function readSafetensors(bytes: Uint8Array, name: string, code: Code = 'NN401'): Map<string, StoredTensor> {
  const bad = (why: string): never =>
    fail(code, `${name} is not a safetensors file: ${why}`, { help: 'write one with safetensors.torch.save_file, or nnc train --save' });
  if (bytes.length < 8) return bad(`it has only ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER || 8 + length > bytes.length) return bad(`its header should be ${length} bytes long`);
  let header: Record<string, Header>;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length))) as Record<string, Header>;
  } catch {
    return bad('its header is not JSON');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) return bad('its header is not a JSON object');
  const out = new Map<string, StoredTensor>();
  const start = 8 + length;
  for (const [key, entry] of Object.entries(header)) {
    if (key === METADATA) continue;
    if (typeof entry !== 'object' || entry === null || !Array.isArray(entry.data_offsets)) return bad(`'${key}' is not described`);
    const reader = Object.hasOwn(READERS, entry.dtype) ? READERS[entry.dtype] : undefined;
    if (!reader) return bad(`'${key}' has type ${entry.dtype}, which nnc does not read`);
    if (!Array.isArray(entry.shape) || !entry.shape.every((d) => Number.isInteger(d) && d >= 0)) return bad(`'${key}' has no shape`);
    const n = entry.shape.reduce((a, b) => a * b, 1);
    const [from, to] = entry.data_offsets;
    if (to - from !== n * reader.bytes || from < 0 || start + to > bytes.length)
      return bad(`'${key}' lies outside of the file, or has another size than its shape`);
    const data = reader.int ? new Int32Array(n) : new Float32Array(n);
    for (let i = 0; i < n; i++) {
      const value = reader.read(view, start + from + i * reader.bytes);
      if (reader.int && (value > 2147483647 || value < -2147483648)) return bad(`'${key}' holds ${value}, which does not fit into 32 bits`);
      data[i] = value;
    }
    out.set(key, { shape: entry.shape, data });
  }
  return out;
}

/** The metadata of a file that {@link readSafetensors} has read. */
export function readMetadata(bytes: Uint8Array): Readonly<Record<string, string>> {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<string, unknown>;
  const found = header[METADATA];
  if (typeof found !== 'object' || found === null) return {};
  return Object.fromEntries(Object.entries(found).filter((e): e is [string, string] => typeof e[1] === 'string'));
}

/** Writes f32, i32 and i64 tensors. The header is padded so that the data is aligned to 8 bytes, and the widest elements come first. */
export function writeSafetensors(
  tensors: Readonly<Record<string, StoredTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, Header | typeof metadata> = Object.keys(metadata).length > 0 ? { [METADATA]: metadata } : {};
  const entries = Object.entries(tensors).sort(([, a], [, b]) => Number(b.wide ?? false) - Number(a.wide ?? false));
  let offset = 0;
  for (const [name, { shape, data, wide }] of entries) {
    const end = offset + data.length * (wide ? 8 : 4);
    header[name] = { dtype: wide ? 'I64' : data instanceof Int32Array ? 'I32' : 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = JSON.stringify(header);
  const text = new TextEncoder().encode(json + ' '.repeat((8 - (new TextEncoder().encode(json).length % 8)) % 8));
  const bytes = new Uint8Array(8 + text.length + offset);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  let at = 8 + text.length;
  for (const [, { data, wide }] of entries) {
    for (const value of data) {
      if (wide) view.setBigInt64(at, BigInt(value), true);
      else if (data instanceof Int32Array) view.setInt32(at, value, true);
      else view.setFloat32(at, value, true);
      at += wide ? 8 : 4;
    }
  }
  return bytes;
}
