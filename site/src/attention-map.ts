import { h, newest } from 'nnc/page';
import { drawHeat, picture } from 'nnc/pictures';
import type { Client } from './client.ts';

/** The first layer, or the second one, up to the shares of its attention. Its weights are those of the trained net. */
const programOf = (blocks: string, layer: number): string => `${blocks}
# The shares of the attention of each head: what attention computes inside.
block Shares(d, heads, n) {
  let q, k, v = x -> qkv: Linear(d, 3*d) -> split(3)
  let qs = q -> reshape([n, heads, d / heads]) -> transpose(1, 2)
  let ks = k -> reshape([n, heads, d / heads]) -> transpose(1, 2)
  let ahead = reshape(arange(n), [1, 1, n]) > reshape(arange(n), [1, n, 1])
  softmax(qs @ transpose(ks, -1, -2) / sqrt(d / heads) - 1e9 * float(ahead), dim=-1)
}
block Look(d, heads, n) { x -> ln1: LayerNorm(d) -> attn: Shares(d, heads, n) }
input tokens: int[8]
layer tok: Embedding(12, 48) + pos: Positions(8, 48)${layer > 0 ? ' -> b0: Layer(48, 4)' : ''} -> b${layer}: Look(48, 4, 8)`;

const LAYERS = 2;
const HEADS = 4;

/** Who looks at whom in the net of addition.nn: a map for each layer and head, for the sum that was asked last. */
export class AttentionMap {
  readonly element: HTMLElement;
  private readonly figure = h('div', { class: 'figure', id: 'attention' });
  private readonly layer = chooser('layer', LAYERS);
  private readonly head = chooser('head', HEADS);
  private readonly worker: Client;
  private readonly blocks: string;
  private tokens: readonly number[] = [];
  private names: readonly string[] = [];

  /** `program` is the text of addition.nn, from which the blocks are taken. */
  constructor(worker: Client, program: string, failed: (e: unknown) => void) {
    this.worker = worker;
    this.blocks = program.slice(program.indexOf('block Attention'), program.indexOf('# Every sum'));
    for (const select of [this.layer, this.head]) select.addEventListener('change', () => void this.show().catch(failed));
    this.element = h(
      'div',
      {},
      h('h2', { class: 'spaced' }, 'Who looks at whom'),
      h('div', { class: 'row' }, h('label', { class: 'field' }, 'layer', this.layer), h('label', { class: 'field' }, 'head', this.head)),
      this.figure,
    );
  }

  /** Shows another sum. */
  async of(tokens: readonly number[], names: readonly string[]): Promise<void> {
    [this.tokens, this.names] = [tokens, names];
    await this.show();
  }

  /** Shows the same sum with the weights of now. */
  readonly show = newest(async () => {
    const { tokens, names } = this;
    if (tokens.length === 0) return;
    const [layer, head, n] = [Number(this.layer.value), Number(this.head.value), tokens.length];
    const rename = Object.fromEntries(Array.from({ length: LAYERS }, (_, i) => [`blocks.${i}.`, `b${i}.`]));
    const { data } = await this.worker.beside(programOf(this.blocks, layer), rename, tokens);
    const values = data.subarray(head * n * n, (head + 1) * n * n);
    const cell = Math.min(40, Math.max(20, (this.element.clientWidth - 92) / n));
    this.figure.innerHTML = picture(
      drawHeat({ values, rows: names, columns: names, x: 'looks at', y: 'this sign', cell }),
      'Who looks at whom',
      'auto',
    );
  });
}

const chooser = (name: string, n: number): HTMLSelectElement =>
  h('select', { id: name }, ...Array.from({ length: n }, (_, i) => h('option', { value: i }, String(i + 1))));
