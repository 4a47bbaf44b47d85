import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeviceError } from '../runtime/errors.ts';
import { messageOf } from '../base/errors.ts';

/** A temporary file for what is larger than memory. It is gone when the process ends, however it ends. */
export class ScratchFile {
  private readonly handle: number;
  private size = 0;

  constructor() {
    const path = join(tmpdir(), `nnc-${process.pid}-${randomUUID()}.tmp`);
    this.handle = openSync(path, 'wx+');
    try {
      // An open file without a name disappears with its process.
      unlinkSync(path);
    } catch {
      // Windows keeps the name while the file is open.
      process.on('exit', () => {
        closeSync(this.handle);
        rmSync(path, { force: true });
      });
    }
  }

  reserve(bytes: number): number {
    const place = this.size;
    this.size += bytes;
    return place;
  }

  write(place: number, bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(this.handle, bytes, done, bytes.length - done, place + done);
    } catch (e) {
      throw new DeviceError(
        `a temporary file of ${this.size} bytes cannot be written in ${tmpdir()}: ${messageOf(e)}`,
        'NN603',
        'make room there, or name another folder in TMPDIR',
      );
    }
  }

  read(place: number, into: Uint8Array): void {
    for (let done = 0; done < into.length;) {
      const got = readSync(this.handle, into, done, into.length - done, place + done);
      if (got === 0) throw new Error('a temporary file is shorter than what was written');
      done += got;
    }
  }
}

/** A file that is read piece by piece. */
export class OpenFile {
  readonly name: string;
  readonly size: number;
  private readonly handle: number;

  constructor(path: string) {
    this.name = path;
    this.handle = openSync(path, 'r');
    this.size = fstatSync(this.handle).size;
  }

  /** Fills `into` with the bytes from a place on, and gives how many there were. */
  read(place: number, into: Uint8Array): number {
    return readSync(this.handle, into, 0, into.length, place);
  }

  close(): void {
    closeSync(this.handle);
  }
}
