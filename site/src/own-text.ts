import { askOf, h } from 'nnc/page';
import tale from '../../examples/tale.txt?url';
import type { Client } from './client.ts';
import { textOf } from './text-of.ts';
import type { DataFile } from './protocol.ts';
import { trainIn } from './train-in.ts';

/** A GPT of two layers for a text with so many different characters. */
const programOf = (characters: number): string => `data  "text.txt" tokens=chars context=32 stride=16
block Attention(d, heads) {
  let q, k, v = x -> qkv: Linear(d, 3*d) -> split(3)
  attention(q, k, v, heads, causal=true) -> proj: Linear(d, d)
}
block Layer(d, heads) {
  let h = x + (x -> ln1: LayerNorm(d) -> attn: Attention(d, heads))
  h + (h -> ln2: LayerNorm(d) -> fc1: Linear(d, 4*d) -> gelu -> fc2: Linear(4*d, d))
}
input tokens: int[32]
layer tok: Embedding(${characters}, 64) + pos: Positions(32, 64)
   -> blocks: repeat 2 Layer(64, 4) -> ln: LayerNorm(64) -> head: Linear(64, ${characters})
loss  cross_entropy
optim adamw lr=cosine(0.004, warmup=50) betas=(0.9, 0.95) weight_decay=0.1 clip=1.0
train steps=800 batch=16 shuffle seed=1`;

/** The fewest characters that fill some windows. */
const LEAST = 200;

/** A text of the reader, a small GPT that learns it, and a box to let it write. */
export function ownText(worker: Client, signal: AbortSignal): HTMLElement {
  const field = h('textarea', { rows: 8, 'aria-label': 'the text to learn', id: 'own' });
  const program = h('pre', { class: 'code', tabindex: 0, 'aria-label': 'the program' });
  const question = h('div', {});
  const show = (): string => (program.textContent = programOf(new Set(field.value).size));
  const text = (): string => {
    if (field.value.length < LEAST) throw new Error(`the text has ${field.value.length} characters; give at least ${LEAST}`);
    return show();
  };
  const file = (): DataFile => ({ name: 'text.txt', bytes: new TextEncoder().encode(field.value) });
  const training = trainIn(worker, text, {
    file,
    key: () => field.value,
    signal,
    onDone: () => undefined,
    onReady: ({ scene }) => question.replaceChildren(h('h2', { class: 'spaced' }, 'Let it write'), askOf(scene, worker.asked)),
  });
  // Without it, the reader's own text is still welcome.
  void textOf(tale).then(
    (t) => {
      if (field.value === '') field.value = t.slice(0, 20_000);
      show();
    },
    () => (field.placeholder = 'paste a text here'),
  );
  return h(
    'section',
    { class: 'card' },
    h('h2', {}, 'The text'),
    field,
    training.element,
    question,
    h('h2', { class: 'spaced' }, 'The program'),
    program,
  );
}
