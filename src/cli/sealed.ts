import { crc32 } from '../base/crc32.ts';
import { writeSafetensors } from '../data/safetensors.ts';

/** Safetensors files with a checksum over all of their bytes, in the metadata. */
const SEAL = 'nnc.crc32';
const OPEN = '00000000';

/** What stands before the checksum: it is the first entry of the header, however much follows. */
const BEFORE = `{"__metadata__":{"${SEAL}":"`;
const PLACE = 8 + BEFORE.length;

/** The digits of the checksum that a file should have: that of the file with zeros in its own place. */
const digitsOf = (bytes: Uint8Array): string => {
  const head = crc32(new TextEncoder().encode(OPEN), crc32(bytes.subarray(0, PLACE)));
  return crc32(bytes.subarray(PLACE + OPEN.length), head)
    .toString(16)
    .padStart(OPEN.length, '0');
};

/** A file of tensors with its checksum. */
export function sealed(tensors: Parameters<typeof writeSafetensors>[0], metadata: Readonly<Record<string, string>>): Uint8Array {
  const bytes = writeSafetensors(tensors, { [SEAL]: OPEN, ...metadata });
  bytes.set(new TextEncoder().encode(digitsOf(bytes)), PLACE);
  return bytes;
}

/** Whether a file is as it was written. */
export function isSound(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes.subarray(8, PLACE + OPEN.length));
  return text === BEFORE + digitsOf(bytes);
}
