import { Tokenizer } from '@huggingface/tokenizers';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bpeEncoder } from '../../src/base/bpe.ts';
import { readDataset } from '../../src/data/dataset.ts';
import { learnedIn, learnedMetadata } from '../../src/data/learned.ts';
import { readTokenizerJson } from '../../src/data/tokenizer-json.ts';
import { trainBpe, type Bpe } from '../../src/data/train-bpe.ts';
import { tokenizerOf } from '../../src/runtime/tokens.ts';
import { check } from '../../src/compile.ts';
import { renderAll } from '../../src/base/diagnostics.ts';
import { i32, lists, message, needs } from '../support/data.ts';

/** Byte pair encoding, as the tokenizers of Hugging Face do it. */
const TALE = readFileSync('examples/tale.txt', 'utf8');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const fileOf = ({ entries, merges }: Bpe, more: object = {}): object => ({
  version: '1.0',
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: { type: 'BPE', vocab: Object.fromEntries(entries.map((e, i) => [e, i])), merges, unk_token: null, fuse_unk: false },
  ...more,
});
const about = ({ entries, merges }: Bpe) =>
  ({ inputs: [], targets: [], output: 'softmax', vocabulary: { tokens: 'bpe', entries, merges } }) as const;

const TEXTS = [
  "The fox's tail, isn't it?  Two  spaces\n\nand lines\t",
  'Überall 123 Füchse; naïve café — 漢字 and 🦊🦊!',
  ' leading and trailing ',
  '',
  TALE.slice(1000, 3000),
];

describe('byte pairs', () => {
  const bpe = trainBpe(TALE, 400);

  it('are learned from a text, the commonest first, and always the same', () => {
    expect(bpe.entries).toHaveLength(400);
    expect(bpe.merges).toHaveLength(144);
    expect(trainBpe(TALE, 400)).toEqual(bpe);
    expect(trainBpe('aaaa aaaa ab', 1000)).toEqual({
      entries: [...bpe.entries.slice(0, 256), 'aa', 'aaaa', 'Ġa'].slice(0, 258),
      merges: ['a a', 'aa aa'],
    });
    expect(bpe.merges.slice(0, 3)).toEqual(['Ġ t', 'h e', 'Ġ a']);
  });

  it('cut and number texts as the library of Hugging Face does, and give them back', () => {
    const theirs = new Tokenizer(fileOf(bpe), {});
    const ours = tokenizerOf(about(bpe));
    for (const text of TEXTS) {
      const ids = ours.encode(text);
      expect(ids).toEqual(theirs.encode(text).ids);
      expect(ids.map((t) => ours.decode(t)).join('')).toBe(text);
    }
    expect(bpeEncoder(bpe.entries, bpe.merges)(TALE).length).toBeLessThan(TALE.length / 1.8);
  });

  it('are read from a tokenizer.json', () => {
    const read = readTokenizerJson('t.json', bytes(JSON.stringify(fileOf(bpe))));
    expect(read).toEqual(bpe);
    const pairs = fileOf({ ...bpe, merges: bpe.merges.map((m) => m.split(' ')) as never });
    expect(readTokenizerJson('t.json', bytes(JSON.stringify(pairs)))).toEqual(bpe);
    const wrong = (more: object): string => message(() => readTokenizerJson('t.json', bytes(JSON.stringify(fileOf(bpe, more)))));
    expect(wrong({ model: { type: 'WordPiece' } })).toContain('its model is of type WordPiece, and not BPE');
    expect(wrong({ normalizer: { type: 'NFC' } })).toContain('it changes texts before it cuts them');
    expect(wrong({ pre_tokenizer: { type: 'Metaspace' } })).toContain('it does not cut texts as GPT-2 does');
    expect(wrong({ model: { type: 'BPE', vocab: { a: 0, b: 2 }, merges: [] } })).toContain('it has no token 1');
    expect(wrong({ model: { type: 'BPE', vocab: { a: 0 }, merges: [] } })).toContain('it has no token for the byte 0');
    expect(message(() => readTokenizerJson('t.json', bytes('{')))).toContain('it is not JSON');
  });

  it('make windows of a text, and travel with the weights', () => {
    const how = needs(i32(8), i32(8), { tokens: 'bpe', context: 8, vocabulary: 300, classes: 300 });
    const d = readDataset('a.txt', bytes(TALE.slice(0, 2000)), how, () => new Uint8Array());
    const { vocabulary } = d.learned ?? {};
    expect(vocabulary).toMatchObject({ tokens: 'bpe' });
    expect(vocabulary?.entries).toHaveLength(300);
    const [x = [], y = []] = lists(d);
    expect(y.slice(0, 7)).toEqual(x.slice(1, 8));
    expect(d.remarks).toEqual(['a.txt: 300 tokens of byte pairs are learned from the text']);
    const known = learnedIn(learnedMetadata(d.learned), 'w.safetensors');
    expect(known?.vocabulary).toEqual(vocabulary);
    // Another text is cut by the vocabulary of the weights.
    const other = readDataset('b.txt', bytes('A quite different text, of no use.'), { ...how, known }, () => new Uint8Array());
    expect(other.learned?.vocabulary).toEqual(vocabulary);
    const named = { ...how, tokens: 't.json' };
    const file = bytes(JSON.stringify(fileOf({ entries: vocabulary?.entries ?? [], merges: vocabulary?.merges ?? [] })));
    expect(lists(readDataset('a.txt', bytes(TALE.slice(0, 2000)), named, () => file))).toEqual(lists(d));
    expect(
      message(() => readDataset('a.txt', bytes(TALE), { ...how, targets: [{ shown: 'y', type: i32(8), classes: 40 }] }, () => file)),
    ).toContain('a.txt has 300 different tokens, and the model has 40 classes');
  });
});

it('tokens that there are not are told', () => {
  const { diagnostics } = check({ name: 'a.nn', text: 'input t: int[4]\ndata "a.txt" tokens=words context=4\nlayer Embedding(9, 2)\n' });
  expect(renderAll(diagnostics)).toContain("there are no tokens 'words'");
});
