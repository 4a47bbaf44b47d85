import { gunzipSync } from 'fflate';
import { fail, messageOf } from '../base/errors.ts';

/** The content of a file, unpacked if it is a .gz. */
export function unpacked(path: string, bytes: Uint8Array): Uint8Array {
  if (!/\.gz$/i.test(path)) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (e) {
    return fail('NN301', `${path} is not a gzip file: ${messageOf(e)}`);
  }
}
