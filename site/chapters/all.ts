import type { Chapter } from './chapter.ts';
import { attention, embeddings, gpt } from './language.ts';
import { autograd, house, loss, steps } from './learning.ts';
import { layers, neuron, tensors } from './numbers.ts';

/** From neuron to GPT, in the order of reading. */
export const CHAPTERS: readonly Chapter[] = [neuron, layers, tensors, loss, autograd, steps, house, embeddings, attention, gpt];
