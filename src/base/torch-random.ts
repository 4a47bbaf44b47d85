import type { RandomSource } from './init.ts';

/**
 * PyTorch's CPU generator: the Mersenne Twister of Matsumoto and Nishimura, 1998 (mt19937), and how `rand`, `randn`, `uniform_`, `normal_`
 * and `randperm` draw from it. Uniform numbers are identical; normal ones agree up to the last bits of float32.
 */
export class TorchRandom implements RandomSource {
  private readonly state = new Uint32Array(624);
  private next = 624;
  /** The second value of a pair of normal numbers, kept for the next call. */
  private spare: number | undefined;

  constructor(seed: number) {
    this.state[0] = seed >>> 0;
    for (let i = 1; i < 624; i++) {
      const before = (this.state[i - 1] ?? 0) ^ ((this.state[i - 1] ?? 0) >>> 30);
      this.state[i] = Math.imul(before, 1812433253) + i;
    }
  }

  /** 32 random bits. */
  bits(): number {
    if (this.next === 624) this.refill();
    let y = this.state[this.next++] ?? 0;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  private refill(): void {
    const s = this.state;
    for (let i = 0; i < 624; i++) {
      const y = ((s[i] ?? 0) & 0x80000000) | ((s[(i + 1) % 624] ?? 0) & 0x7fffffff);
      s[i] = (s[(i + 397) % 624] ?? 0) ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.next = 0;
  }

  /** 24 bits, which float32 represents exactly. */
  private unit(): number {
    return (this.bits() & 0xffffff) * 2 ** -24;
  }

  /** 53 bits, from two words; the first one is the higher. */
  private unit64(): number {
    const [high, low] = [this.bits(), this.bits()];
    return ((high & 0x1fffff) * 2 ** 32 + low) * 2 ** -53;
  }

  uniform(n: number, low: number, high: number): Float32Array {
    const [from, span] = [Math.fround(low), Math.fround(Math.fround(high) - Math.fround(low))];
    // Rounded once, because PyTorch's kernel compiles to a fused multiply-add. The product of two float32 is exact in float64.
    return Float32Array.from({ length: n }, () => Math.fround(this.unit() * span + from));
  }

  normal(n: number, mean: number, std: number): Float32Array {
    if (n < 16) return Float32Array.from({ length: n }, () => this.one() * std + mean);
    const out = Float32Array.from({ length: n }, () => this.unit());
    for (let i = 0; i + 16 <= n; i += 16) pairs(out.subarray(i, i + 16), mean, std);
    if (n % 16 !== 0) {
      // PyTorch redraws the last 16, even if some of them belong to the blocks before.
      const last = out.subarray(n - 16);
      for (let i = 0; i < 16; i++) last[i] = this.unit();
      pairs(last, mean, std);
    }
    return out;
  }

  private one(): number {
    if (this.spare !== undefined) {
      const value = this.spare;
      this.spare = undefined;
      return value;
    }
    const [u1, u2] = [this.unit64(), this.unit64()];
    const radius = Math.sqrt(-2 * Math.log1p(-u2));
    this.spare = radius * Math.sin(2 * Math.PI * u1);
    return radius * Math.cos(2 * Math.PI * u1);
  }

  /** A random order of 0 to n - 1. */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = 0; i < n - 1; i++) {
      const j = i + (this.bits() % (n - i));
      const kept = order[i] ?? 0;
      order[i] = order[j] ?? 0;
      order[j] = kept;
    }
    return order;
  }

  /** The order of an epoch like a shuffling DataLoader: it draws a base seed, which is unused here, and then a seed for the sampler. */
  epoch(n: number): Int32Array {
    this.bits();
    this.bits();
    this.bits();
    return new TorchRandom(this.bits()).permutation(n);
  }
}

/** Box and Muller on 16 uniform numbers in place: the first 8 give the radii, the last 8 the angles. */
function pairs(values: Float32Array, mean: number, std: number): void {
  for (let j = 0; j < 8; j++) {
    const radius = Math.sqrt(-2 * Math.log(1 - (values[j] ?? 0)));
    const angle = 2 * Math.PI * (values[j + 8] ?? 0);
    values[j] = radius * Math.cos(angle) * std + mean;
    values[j + 8] = radius * Math.sin(angle) * std + mean;
  }
}
