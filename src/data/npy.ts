import { fail } from '../base/errors.ts';
import { READERS } from './safetensors.ts';
import { unzipped } from './unpack.ts';
import type { Numbers } from './needs.ts';
import type { DataTensor } from './values.ts';

/** Type codes of NumPy's strings, bytes and objects. */
const WORDS = /^[<>|=]?[USO]/;

/** NumPy's type codes for little-endian numbers; `>` is big-endian. */
const TYPES: Readonly<Record<string, keyof typeof READERS>> = {
  '<f8': 'F64',
  '<f4': 'F32',
  '<f2': 'F16',
  '<i8': 'I64',
  '<i4': 'I32',
  '<i2': 'I16',
  '|i1': 'I8',
  '|u1': 'U8',
  '|b1': 'BOOL',
};

/** Reads a .npy file (format 1 to 3): magic bytes, header length, header as a Python dictionary, data. */
export function readNpy(path: string, bytes: Uint8Array): DataTensor {
  const bad = (why: string): never => fail('NN301', `${path} is not a .npy file: ${why}`);
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 12 || !magic.every((m, i) => bytes[i] === m)) return bad("it does not start with NumPy's magic word");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = (bytes[6] ?? 1) >= 2;
  const from = wide ? 12 : 10;
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  if (from + length > bytes.length) return bad('it ends inside of its head');
  const head = new TextDecoder().decode(bytes.subarray(from, from + length));
  const descr = /'descr':\s*'([^']*)'/.exec(head)?.[1] ?? '';
  const order = /'fortran_order':\s*(True|False)/.exec(head)?.[1];
  const dims = /'shape':\s*\(([^)]*)\)/.exec(head)?.[1];
  if (order === undefined || dims === undefined) return bad('its head lacks the order or the shape');
  const type = TYPES[descr.replace(/^>/, '<')];
  const reader = type === undefined ? undefined : READERS[type];
  if (!reader)
    return fail('NN301', `${path} holds elements of type '${descr}', which nnc does not read`, {
      help: WORDS.test(descr)
        ? 'words are numbered first, in NumPy: names, y = np.unique(words, return_inverse=True)'
        : `it reads ${Object.keys(TYPES).join(' ')}; convert it in NumPy: x.astype("float32")`,
    });
  const shape = dims
    .split(',')
    .map((d) => d.trim())
    .filter((d) => d !== '')
    .map(Number);
  const n = shape.reduce((a, b) => a * b, 1);
  const start = from + length;
  if (bytes.length !== start + n * reader.bytes)
    return bad(`its shape promises ${n * reader.bytes} bytes, and ${bytes.length - start} follow`);
  const ordered = <T extends Numbers | Uint8Array>(data: T): T => (order === 'True' ? rowMajor(data, shape) : data);
  if (type === 'U8') return { shape, data: ordered(bytes.subarray(start)) };
  const little = descr.startsWith('>') ? swapped(bytes.subarray(start), reader.bytes) : { view, start };
  const data = reader.int ? new Int32Array(n) : new Float32Array(n);
  for (let i = 0; i < n; i++) {
    const value = reader.read(little.view, little.start + i * reader.bytes);
    if (reader.int && (value > 2147483647 || value < -2147483648)) return bad(`it holds ${value}, which does not fit into 32 bits`);
    data[i] = value;
  }
  return { shape, data: ordered(data) };
}

/** Big-endian elements as little-endian ones. */
function swapped(bytes: Uint8Array, width: number): { readonly view: DataView; readonly start: number } {
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) out[i] = bytes[i - (i % width) + width - 1 - (i % width)] ?? 0;
  return { view: new DataView(out.buffer), start: 0 };
}

/** Numbers whose first index runs fastest, as in Fortran, with the last one fastest. */
function rowMajor<T extends Numbers | Uint8Array>(data: T, shape: readonly number[]): T {
  const out = data.slice() as T;
  const index = shape.map(() => 0);
  for (let to = 0; to < data.length; to++) {
    let [from, stride] = [0, 1];
    shape.forEach((n, axis) => {
      from += (index[axis] ?? 0) * stride;
      stride *= n;
    });
    out[to] = data[from] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] ?? 0) + 1;
      if ((index[axis] ?? 0) < (shape[axis] ?? 0)) break;
      index[axis] = 0;
    }
  }
  return out;
}

/** Reads a .npz file: a ZIP archive with a .npy file per array. */
export function readNpz(path: string, bytes: Uint8Array): Map<string, DataTensor> {
  return new Map(
    Object.entries(unzipped(path, bytes)).map(([name, content]) => [name.replace(/\.npy$/, ''), readNpy(`${path}:${name}`, content)]),
  );
}
