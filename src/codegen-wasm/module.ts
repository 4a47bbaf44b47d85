import { invariant } from '../base/errors.ts';
import { OP, VALUE_TYPE, bytesOf, sized, unsigned, vector, type Code, type ValType } from './encode.ts';

/** A function to be added to a module. */
export interface WasmFunction {
  readonly params: readonly ValType[];
  readonly result: ValType | undefined;
  readonly locals: readonly ValType[];
  readonly body: Code;
}

/** The bytes of a module, and what its user must know. */
export interface Assembled {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The position of the byte that says whether the memory is shared: 1 for one thread, 3 for shared memory. */
  readonly sharing: number;
}

/** Bytes per page of memory. */
export const PAGE = 65_536;
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const text = (s: string): Code => sized([...new TextEncoder().encode(s)]);
const section = (id: number, content: Code): Code => [id, sized(content)];

const LETTERS = new TextDecoder('latin1');

/** A module under construction; equal functions exist once. */
export class WasmModule {
  private readonly functions: { readonly type: number; readonly code: readonly number[] }[] = [];
  private readonly types: string[] = [];
  private readonly typeCode: Code[] = [];
  private readonly byText = new Map<string, number>();
  private readonly named = new Map<string, number>();

  /** Adds a function and returns its index. */
  add(f: WasmFunction): number {
    const type = this.typeOf(f);
    const locals = f.locals.map((t) => [1, VALUE_TYPE[t]]);
    const code = sized([vector(locals), f.body, OP.end]);
    // A letter for each byte.
    const key = `${type}:${LETTERS.decode(Uint8Array.from(code))}`;
    const known = this.byText.get(key);
    if (known !== undefined) return known;
    const index = this.functions.push({ type, code }) - 1;
    this.byText.set(key, index);
    return index;
  }

  /** The index of a named function, which is made on first use. */
  need(name: string, make: () => WasmFunction): number {
    const known = this.named.get(name);
    if (known !== undefined) return known;
    const index = this.add(make());
    this.named.set(name, index);
    return index;
  }

  private typeOf({ params, result }: WasmFunction): number {
    const key = `${params.join()}:${result ?? ''}`;
    const known = this.types.indexOf(key);
    if (known >= 0) return known;
    const results = result === undefined ? [] : [VALUE_TYPE[result]];
    this.typeCode.push([0x60, vector(params.map((p) => VALUE_TYPE[p])), vector(results)]);
    return this.types.push(key) - 1;
  }

  /** The module with the given functions exported. It imports `env.memory` with exactly `pages` pages. */
  assemble(pages: number, exported: ReadonlyMap<string, number>): Assembled {
    const memory: Code = [0x02, 0x01, unsigned(pages), unsigned(pages)];
    const head = [MAGIC, section(1, vector(this.typeCode)), section(2, vector([[text('env'), text('memory'), memory]]))];
    const imports = bytesOf(head);
    const rest = [
      section(3, vector(this.functions.map((f) => unsigned(f.type)))),
      section(7, vector([...exported].map(([name, index]) => [text(name), 0x00, unsigned(index)]))),
      section(10, vector(this.functions.map((f) => f.code))),
    ];
    const bytes = Uint8Array.from(imports.concat(bytesOf(rest)));
    const sharing = imports.length - (bytesOf(memory).length - 1);
    invariant(bytes[sharing] === 0x01, 'the limits of the memory are not at the end of the imports');
    return { bytes, sharing };
  }
}
