import { Gunzip, unzipSync } from 'fflate';
import { crc32 } from '../base/crc32.ts';
import { fail, messageOf, UserError } from '../base/errors.ts';

/** The most bytes that a packed file may become in memory: what is larger is for the reader of large files, unpacked. */
export const MOST_UNPACKED = 2 ** 31 - 1;

/** The content of a file, unpacked if it is a .gz: all of its members, each checked by its length and its CRC-32 (RFC 1952). */
export function unpacked(path: string, bytes: Uint8Array, most = MOST_UNPACKED): Uint8Array {
  if (!/\.gz$/i.test(path)) return bytes;
  const members: { readonly from: number; readonly parts: Uint8Array[] }[] = [{ from: 0, parts: [] }];
  let size = 0;
  try {
    const gunzip = new Gunzip((part) => {
      size += part.length;
      if (size > most) tooLarge(path, most);
      members.at(-1)?.parts.push(part);
    });
    gunzip.onmember = (from) => void members.push({ from, parts: [] });
    // In pieces, so that a file that unpacks to too much is given up in time.
    for (let at = 0; at < bytes.length; at += PIECE) gunzip.push(bytes.subarray(at, at + PIECE), at + PIECE >= bytes.length);
  } catch (e) {
    if (e instanceof UserError) throw e;
    return fail('NN301', `${path} is not a gzip file: ${messageOf(e)}`);
  }
  members.forEach(({ parts }, i) => {
    const end = members[i + 1]?.from ?? bytes.length;
    const view = new DataView(bytes.buffer, bytes.byteOffset + Math.max(0, end - 8), Math.min(8, end));
    const length = parts.reduce((n, p) => n + p.length, 0);
    const sound =
      end >= 18 && view.getUint32(0, true) === parts.reduce((c, p) => crc32(p, c), 0) && view.getUint32(4, true) === length >>> 0;
    if (!sound) damaged(path);
  });
  const out = new Uint8Array(size);
  let at = 0;
  for (const part of members.flatMap((m) => m.parts)) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

const PIECE = 1 << 20;

/** The files of a ZIP archive by name, each checked by its CRC-32 (APPNOTE.TXT of PKWARE, 4.3.12). */
export function unzipped(path: string, bytes: Uint8Array, most = MOST_UNPACKED): Readonly<Record<string, Uint8Array>> {
  let size = 0;
  let files: Readonly<Record<string, Uint8Array>>;
  try {
    files = unzipSync(bytes, {
      filter: ({ originalSize }) => {
        size += originalSize;
        return size <= most || tooLarge(path, most);
      },
    });
  } catch (e) {
    if (e instanceof UserError) throw e;
    return fail('NN301', `${path} is not a ZIP archive: ${messageOf(e)}`);
  }
  for (const [name, crc] of checksumsOf(bytes)) if (files[name] && crc32(files[name]) !== crc) damaged(`${path}:${name}`);
  return files;
}

/** The CRC-32 of each file, from the archive's central directory, which the record at its end points to. */
function checksumsOf(bytes: Uint8Array): Map<string, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = new Map<string, number>();
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  let at = end < 0 ? bytes.length : view.getUint32(end + 16, true);
  while (at + 46 <= bytes.length && view.getUint32(at, true) === 0x02014b50) {
    const [name, extra, comment] = [28, 30, 32].map((k) => view.getUint16(at + k, true)) as [number, number, number];
    found.set(new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + name)), view.getUint32(at + 16, true));
    at += 46 + name + extra + comment;
  }
  return found;
}

const damaged = (path: string): never =>
  fail('NN301', `${path} is damaged: its checksum is another one`, { help: 'copy or download it again' });
const tooLarge = (path: string, most: number): never =>
  fail('NN301', `${path} unpacks to more than ${most} bytes`, { help: 'unpack it first; CSV files are read at any size' });
