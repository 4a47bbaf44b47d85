import jpeg from 'jpeg-js';
import { fail, messageOf } from '../base/errors.ts';
import { Damaged, type Pixels } from './pixels.ts';
import { readPng } from './png.ts';

/** Kinds of images by their first bytes, since names may say something else. */
const KINDS: readonly { readonly name: string; readonly magic: RegExp; readonly read?: (bytes: Uint8Array) => Pixels }[] = [
  { name: 'PNG', magic: /^\x89PNG\r\n\x1a\n/, read: readPng },
  { name: 'JPEG', magic: /^\xff\xd8\xff/, read: readJpeg },
  { name: 'GIF', magic: /^GIF8/ },
  { name: 'BMP', magic: /^BM/ },
  { name: 'WebP', magic: /^RIFF....WEBP/s },
  { name: 'TIFF', magic: /^(II\*\0|MM\0\*)/ },
  { name: 'HEIC or AVIF', magic: /^....ftyp/s },
];

const HELP = 'take it out of the folder, or save it anew';

/** The pixels of a .png or .jpg file. */
export function decodeImage(name: string, bytes: Uint8Array): Pixels {
  const head = String.fromCharCode(...bytes.subarray(0, 12));
  const kind = KINDS.find((k) => k.magic.test(head));
  if (kind && !kind.read) fail('NN301', `${name} is a ${kind.name} image, and nnc reads PNG and JPEG`, { help: HELP });
  try {
    if (!kind?.read) throw new Damaged();
    return kind.read(bytes);
  } catch (e) {
    // What the readers say is about themselves, unless the file is sound and of a kind that they lack.
    const why = /^(has \d+ bits?|maxResolution|maxMemory)/.test(messageOf(e))
      ? messageOf(e).replace(/^max/, 'is too large: max')
      : new Damaged().message;
    return fail('NN301', `${name} ${why}`, { help: HELP });
  }
}

function readJpeg(bytes: Uint8Array): Pixels {
  if (!hasEnd(bytes)) throw new Damaged();
  const { width, height, data } = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false });
  return { width, height, channels: 3, most: 255, data };
}

/** Whether the marker of the end (FF D9) follows that of the last scan (FF DA): without it, the reader makes grey of what is missing. */
function hasEnd(bytes: Uint8Array): boolean {
  for (let i = bytes.length - 2; i > 0; i--) {
    if (bytes[i] !== 0xff) continue;
    if (bytes[i + 1] === 0xd9) return true;
    if (bytes[i + 1] === 0xda) return false;
  }
  return false;
}
