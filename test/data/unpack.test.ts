import { gzipSync, zipSync } from 'fflate';
import { crc32 as nodeCrc, gzipSync as nodeGzip } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/base/crc32.ts';
import { unpacked, unzipped } from '../../src/data/unpack.ts';

/** Packed files are read whole, and damage is found. */
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((p) => [...p]));
const text = (b: Uint8Array): string => new TextDecoder().decode(b);

describe('the checksum', () => {
  it('is that of zlib, in one piece and in several', () => {
    expect(crc32(bytes('123456789'))).toBe(0xcbf43926);
    const data = Uint8Array.from({ length: 1000 }, (_, i) => (i * 31) % 256);
    expect(crc32(data)).toBe(nodeCrc(data));
    expect(crc32(data.subarray(300), crc32(data.subarray(0, 300)))).toBe(nodeCrc(data));
  });
});

describe('gzip', () => {
  it('is read with all of its members, as cat makes them', () => {
    const packed = join(gzipSync(bytes('a,b\n1,2\n')), nodeGzip(bytes('3,4\n')), gzipSync(bytes('')), gzipSync(bytes('5,6\n')));
    expect(text(unpacked('x.csv.gz', packed))).toBe('a,b\n1,2\n3,4\n5,6\n');
  });

  it('is read in members that are larger than a piece', () => {
    const parts = [3_000_000, 10, 1_500_000].map((n) => Uint8Array.from({ length: n }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24));
    const packed = join(...parts.map((p) => gzipSync(p, { level: 1 })));
    const out = unpacked('x.gz', packed);
    expect(out.length).toBe(4_500_010);
    expect(crc32(out)).toBe(crc32(join(...parts)));
  });

  it('finds every flipped bit', () => {
    const packed = gzipSync(bytes('city,price\nParis,3\nLyon,4\n'.repeat(20)), { mtime: 0 });
    const whole = unpacked('x.gz', packed);
    let refused = 0;
    for (let i = 0; i < packed.length * 8; i++) {
      const bad = packed.slice();
      bad[i >> 3] = (bad[i >> 3] ?? 0) ^ (1 << (i & 7));
      try {
        // Bits of the time, of the system and of flags that mean nothing change no content.
        expect(unpacked('x.gz', bad)).toEqual(whole);
      } catch (e) {
        expect((e as Error).message).toMatch(/x\.gz is (damaged|not a gzip file)/);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan((packed.length - 10) * 8 - 1);
  });

  it.each([0, 5, 17])('cut to %i bytes, it is refused', (n) => {
    expect(() => unpacked('x.gz', gzipSync(bytes('hello hello hello')).subarray(0, n))).toThrow(/x\.gz is (damaged|not a gzip file)/);
  });

  it('is given up when it unpacks to too much', () => {
    const bomb = gzipSync(new Uint8Array(5_000_000));
    expect(bomb.length).toBeLessThan(10_000);
    expect(() => unpacked('x.gz', bomb, 1_000_000)).toThrow('x.gz unpacks to more than 1000000 bytes');
  });

  it('leaves files of other names as they are', () => {
    expect(text(unpacked('x.csv', bytes('a')))).toBe('a');
  });
});

describe('a ZIP archive', () => {
  const files = { 'x.npy': bytes('first '.repeat(50)), 'y.npy': bytes('second') };

  it('is read, packed or not', () => {
    for (const level of [0, 6] as const) expect(unzipped('a.npz', zipSync(files, { level }))).toEqual(files);
  });

  it('finds a flipped bit of its content', () => {
    const packed = zipSync(files, { level: 0 });
    const at = Buffer.from(packed).indexOf('second');
    packed[at] = (packed[at] ?? 0) ^ 1;
    expect(() => unzipped('a.npz', packed)).toThrow('a.npz:y.npy is damaged: its checksum is another one');
  });

  it('is refused before it unpacks to too much', () => {
    expect(() => unzipped('a.npz', zipSync({ 'x.npy': new Uint8Array(2_000_000) }), 1_000_000)).toThrow(
      'unpacks to more than 1000000 bytes',
    );
  });

  it('is told from other files', () => {
    expect(() => unzipped('a.npz', bytes('hello'))).toThrow('a.npz is not a ZIP archive');
  });
});
