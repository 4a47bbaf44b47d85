/** The remainders of all bytes by the polynomial of gzip and ZIP (RFC 1952, section 8). */
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

/** The CRC-32 of bytes, as gzip and ZIP have it; `from` is that of the bytes before them. */
export function crc32(bytes: Uint8Array, from = 0): number {
  let c = ~from;
  for (let i = 0; i < bytes.length; i++) c = (TABLE[(c ^ (bytes[i] ?? 0)) & 255] ?? 0) ^ (c >>> 8);
  return ~c >>> 0;
}
