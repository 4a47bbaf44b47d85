const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A .npy file as NumPy writes it. */
export function npy(descr: string, shape: readonly number[], data: ArrayBuffer, fortran = false): Uint8Array {
  const dict = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const head = dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11) + '\n';
  return Uint8Array.from([0x93, ...bytes('NUMPY'), 1, 0, head.length & 255, head.length >> 8, ...bytes(head), ...new Uint8Array(data)]);
}

/** An IDX file as MNIST has them. */
export const idx = (shape: readonly number[], data: readonly number[]): Uint8Array =>
  Uint8Array.from([0, 0, 8, shape.length, ...shape.flatMap((d) => [d >> 24, (d >> 16) & 255, (d >> 8) & 255, d & 255]), ...data]);

export const floats = (shape: readonly number[], ...values: readonly number[]): Uint8Array =>
  npy('<f4', shape, Float32Array.from(values).buffer);
export const wholes = (...values: readonly number[]): Uint8Array => npy('<i4', [values.length], Int32Array.from(values).buffer);
