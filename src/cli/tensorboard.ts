import { createWriteStream, type WriteStream } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fail } from '../base/errors.ts';
import { makeFolder } from '../node/folders.ts';
import { whyNot } from './files.ts';

/**
 * Scalars in the form that TensorBoard reads: a file of records, each with a length, a checksum of it, an `Event` of protocol buffers, and a
 * checksum of that. The layout stands in tensorflow/core/lib/io/record_writer.h, the fields in tensorflow/core/util/event.proto.
 */
export class TensorBoard {
  private readonly stream: WriteStream;
  private readonly path: string;
  private problem: Error | undefined;

  private constructor(path: string) {
    this.path = path;
    this.stream = createWriteStream(path);
    this.stream.on('error', (e) => (this.problem ??= e));
  }

  /** Begins a new file in a folder. */
  static async open(folder: string): Promise<TensorBoard> {
    const path = join(folder, `events.out.tfevents.${Math.floor(Date.now() / 1000)}.${hostname()}.${process.pid}`);
    try {
      await makeFolder(folder);
    } catch (e) {
      fail('NN403', `${folder} cannot be written: ${whyNot(e)}`);
    }
    const board = new TensorBoard(path);
    await new Promise<void>((resolve) => board.stream.once('open', () => resolve()).once('error', () => resolve()));
    board.check();
    board.stream.write(record(event(Date.now() / 1000, [[FILE_VERSION, new TextEncoder().encode('brain.Event:2')]])));
    return board;
  }

  /** Writes values of a step by name, such as `loss` and `held_out/loss`. */
  write(step: number, values: Readonly<Record<string, number | undefined>>): void {
    const all = Object.entries(values).flatMap(([tag, value]) => (value === undefined ? [] : [summaryValue(tag, value)]));
    this.stream.write(record(event(Date.now() / 1000, [[SUMMARY, joined(all.map((v) => field(1, v)))]], step)));
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => (this.stream.destroyed ? resolve() : this.stream.once('close', resolve).end()));
    this.check();
  }

  private check(): void {
    if (this.problem) fail('NN403', `${this.path} cannot be written: ${this.problem.message}`);
  }
}

/** Numbers of the fields of an `Event`. */
const [FILE_VERSION, SUMMARY] = [3, 5];

function event(time: number, fields: readonly (readonly [number, Uint8Array])[], step?: number): Uint8Array {
  const wall = new Uint8Array(9);
  wall[0] = (1 << 3) | 1;
  new DataView(wall.buffer).setFloat64(1, time, true);
  const steps = step === undefined ? [] : [Uint8Array.of(2 << 3), varint(step)];
  return joined([wall, ...steps, ...fields.map(([n, bytes]) => field(n, bytes))]);
}

/** `Summary.Value`: a tag and a float. */
function summaryValue(tag: string, value: number): Uint8Array {
  const number = new Uint8Array(5);
  number[0] = (2 << 3) | 5;
  new DataView(number.buffer).setFloat32(1, value, true);
  return joined([field(1, new TextEncoder().encode(tag)), number]);
}

/** A field of bytes with its length. */
const field = (n: number, bytes: Uint8Array): Uint8Array => joined([Uint8Array.of((n << 3) | 2), varint(bytes.length), bytes]);

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  return Uint8Array.from([...out, rest]);
}

function record(data: Uint8Array): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setUint32(0, data.length, true);
  return joined([length, masked(length), data, masked(data)]);
}

/** The masked CRC-32C of record_writer.h. */
function masked(bytes: Uint8Array): Uint8Array {
  let crc = 0xffffffff;
  for (const b of bytes) crc = (crc >>> 8) ^ (CRC[(crc ^ b) & 255] ?? 0);
  crc = ~crc >>> 0;
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0, true);
  return out;
}

/** The table of CRC-32C (Castagnoli). */
const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  return c >>> 0;
});

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
