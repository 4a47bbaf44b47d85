/**
 * Counter-based random numbers: Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC
 * 2011). The reference, the CPU device and WGSL run the same function, so a seed gives the same numbers everywhere.
 */
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

export function threefry2x32(key0: number, key1: number, counter0: number, counter1: number): [number, number] {
  const k0 = key0 >>> 0;
  const k1 = key1 >>> 0;
  const k2 = (k0 ^ k1 ^ 0x1bd11bda) >>> 0;
  const ks = [k0, k1, k2];
  let x0 = (counter0 + k0) >>> 0;
  let x1 = (counter1 + k1) >>> 0;
  for (let group = 0; group < 5; group++) {
    for (let r = 0; r < 4; r++) {
      const rotation = ROTATIONS[((group & 1) << 2) + r] ?? 0;
      x0 = (x0 + x1) >>> 0;
      x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) >>> 0;
      x1 = (x1 ^ x0) >>> 0;
    }
    x0 = (x0 + (ks[(group + 1) % 3] ?? 0)) >>> 0;
    x1 = (x1 + (ks[(group + 2) % 3] ?? 0) + group + 1) >>> 0;
  }
  return [x0, x1];
}

/** Uniform in [0, 1) with 24 bits, which float32 represents exactly. */
export function unitFloat(bits: number): number {
  return (bits >>> 8) * 2 ** -24;
}

/** Element `index` of the uniform stream `stream` at `step`. */
export function uniformAt(seed: number, stream: number, step: number, index: number): number {
  return unitFloat(threefry2x32(seed, stream, step, index)[0]);
}

/** Standard normal, by Box and Muller (1958) from the two words of one counter; the logarithm never sees 0. */
export function normalAt(seed: number, stream: number, step: number, index: number): number {
  const [a, b] = threefry2x32(seed, stream, step, index);
  return Math.sqrt(-2 * Math.log(1 - unitFloat(a))) * Math.cos(2 * Math.PI * unitFloat(b));
}

/** The number of bits needed for n values, at least 2 so that both halves exist. */
export function shuffleBits(n: number): number {
  let bits = 2;
  while (2 ** bits < n) bits++;
  return bits;
}

/** Rounds of the Feistel network and the longest walk. Changing them would change the random orders, so they never change. */
export const SHUFFLE_ROUNDS = 6;
export const SHUFFLE_WALK = 64;
/** Second key word of the shuffle stream, different from every other stream. */
export const SHUFFLE_STREAM = 0x5f5f;

/** Integer hash of one Feistel round (xor-shift-multiply; constants of the MurmurHash3 finaliser). */
function mix(x: number): number {
  let h = x >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * Element `index` of a random order of 0..n-1, keyed by (seed, epoch): an alternating Feistel permutation of the next power of two,
 * repeated until the result is in range (cycle walking; Black and Rogaway, "Ciphers with arbitrary finite domains", 2002). A bijection
 * needs no memory, so any thread can ask for any element. The domain is less than twice n, so a walk is longer than w with probability
 * below 2^-w.
 */
export const shuffleAt = (index: number, n: number, seed: number, epoch: number): number => orderOf(n, seed, epoch)(index);

/** The same for many elements of one order. */
export function orderOf(n: number, seed: number, epoch: number): (index: number) => number {
  const bits = shuffleBits(n);
  const lowBits = bits >> 1;
  const lowMask = 2 ** lowBits - 1;
  const highMask = 2 ** (bits - lowBits) - 1;
  const [key0, key1] = threefry2x32(seed, SHUFFLE_STREAM, epoch, 0);
  return (index) => {
    let x = index >>> 0;
    for (let walk = 0; walk < SHUFFLE_WALK; walk++) {
      let high = x >>> lowBits;
      let low = x & lowMask;
      for (let r = 0; r < SHUFFLE_ROUNDS; r++) {
        const key = (Math.imul(key0, r + 1) + key1) >>> 0;
        if (r % 2 === 0) high = (high ^ mix((low + key) >>> 0)) & highMask;
        else low = (low ^ mix((high + key) >>> 0)) & lowMask;
      }
      x = ((high << lowBits) | low) >>> 0;
      if (x < n) return x;
    }
    return index;
  };
}
