import { isRecord, mustBe, mustBeOptions } from '../base/calls.ts';
import { fail } from '../base/errors.ts';
import type { Program } from './program.ts';

export function mustBeProgram(given: unknown): asserts given is Program {
  // Not by its class, of which two copies of the package would have two.
  mustBe(isRecord(given) && 'checkedModel' in given, 'a program is what compile gives', given);
}

/** Of a program and options of a call. */
export function mustBeCall(call: string, program: unknown, options: unknown): void {
  mustBeProgram(program);
  mustBeOptions(call, options);
}

export function mustBeText(text: unknown): asserts text is string {
  if (typeof text !== 'string')
    fail('NN501', 'the text of a program is a string, and this is none', { help: "read a file as one: await readFile(path, 'utf8')" });
}

export function mustBeBytes(bytes: unknown): asserts bytes is Uint8Array {
  mustBe(
    ArrayBuffer.isView(bytes),
    'the bytes of a file are a Uint8Array',
    bytes,
    'as in: await readFile(path), or new Uint8Array(await file.arrayBuffer())',
  );
}
