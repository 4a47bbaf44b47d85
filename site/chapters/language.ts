import type { Chapter } from './chapter.ts';

export const embeddings: Chapter = {
  id: 'embeddings',
  title: 'Words become places',
  parts: [
    'A net takes numbers, but words are not numbers. So each word gets a place on a map: a short list of numbers. Nobody draws the map. The numbers are weights, and training moves words that are used alike to places that are close together.',
    'Here is a small map by hand. Likeness is the cosine between two places: 1 in the same direction, 0 at a right angle, -1 opposite.',
    {
      nn: `let map = [[1.0, 0.0], [0.9, 0.1], [-1.0, 0.2]]
let cat = map[0]
let dog = map[1]
let car = map[2]
print "cat and dog", cosine_similarity(cat, dog, dim=0)
print "cat and car", cosine_similarity(cat, car, dim=0)`,
      torch: `map = torch.tensor([[1.0, 0.0], [0.9, 0.1], [-1.0, 0.2]])
cat, dog, car = map
print(F.cosine_similarity(cat, dog, dim=0))
print(F.cosine_similarity(cat, car, dim=0))`,
      gives: [
        { label: 'cat and dog', numbers: [0.9938837] },
        { label: 'cat and car', numbers: [-0.9805807] },
      ],
    },
    'In a program it is a layer: Embedding(10000, 64) is a map with 10,000 words at 64 numbers each.',
  ],
  challenge: {
    asks: 'A car is not the opposite of a cat. Change its place in the map so that its likeness to the cat is 0.',
    start: `let map = [[1.0, 0.0], [0.9, 0.1], [-1.0, 0.2]]
let cat = map[0]
let car = map[2]
print "cat and car", cosine_similarity(cat, car, dim=0)`,
    goal: { label: 'cat and car', numbers: [0] },
    hint: 'A place at a right angle to [1, 0] has 0 as its first number.',
    change: ['-1.0, 0.2', '0.0, 1.0'],
    praise: 'A right angle. With 64 numbers there is room for very many directions.',
  },
};

export const attention: Chapter = {
  id: 'attention',
  title: 'Attention',
  parts: [
    'Read: the dog was tired, so it slept. Who slept? To know what "it" is, you look back. Attention does just that. Every word asks a question (query) and wears a label (key). Where question and label fit, the word takes over what stands there (value).',
    'The fit is a row of queries times a row of keys, divided by the root of their length so that it stays small. softmax turns the fits into shares that add up to 1. What comes out is the mean of the values, weighted by these shares.',
    {
      nn: `let q = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
let k = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
let v = [[10.0], [20.0], [30.0]]
let shares = softmax(q @ transpose(k) / sqrt(2), dim=-1)
print "shares", shares
print "out", shares @ v`,
      torch: `q = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
k = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
v = torch.tensor([[10.0], [20.0], [30.0]])
print(torch.softmax(q @ k.T / 2**0.5, dim=-1))
print(F.scaled_dot_product_attention(q, k, v))`,
      gives: [
        { label: 'shares', numbers: [0.4011121, 0.1977758, 0.4011121, 0.1977758, 0.4011121, 0.4011121, 0.2482551, 0.2482551, 0.5034898] },
        { label: 'out', numbers: [20, 22.03336, 22.55235] },
      ],
      heat: 'shares',
    },
    'Each row of the picture is a word that looks, each column one that is looked at. The third word fits itself best, so it looks there most.',
  ],
  challenge: {
    asks: 'A model that writes from left to right must not peek at what comes later. Add a mask, so that each word sees itself and those before it: the first word must take 10, all of it from itself.',
    start: `let q = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
let k = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
let v = [[10.0], [20.0], [30.0]]
let mask = [[0, 0, 0], [0, 0, 0], [0, 0, 0]]
let shares = softmax(q @ transpose(k) / sqrt(2) + mask, dim=-1)
print "shares", shares
print "out", shares @ v`,
    goal: { label: 'out', numbers: [10, 16.69762, 22.55235] },
    hint: 'A fit of -1000 becomes a share of 0. Which three places of the mask lie ahead?',
    change: ['0, 0], [0, 0, 0', '-1000, -1000], [0, 0, -1000'],
    praise: 'That is causal attention, the heart of every GPT.',
  },
};

export const gpt: Chapter = {
  id: 'gpt',
  title: 'A GPT learns by the same five steps',
  parts: [
    'Put the pieces together. Letters become places (embedding). Places look at each other (attention). A small net thinks about what it found. Then one question: which letter comes next? The loss says how wrong the guess was, and the five steps do the rest. Nothing else is needed, only more of it.',
    'This one is tiny and learns from the text below. At first it writes noise. After some seconds there are words, and then almost sentences. Put in a text of your own, if you like: a few pages are enough.',
  ],
  own: 'text',
  challenge: {
    asks: 'One question to end with. A net that knows nothing gives each of 42 letters the chance 1/42. The loss is minus the logarithm of the chance of the right one. How large is it?',
    start: `print "loss of a blind guess", 0`,
    goal: { label: 'loss of a blind guess', numbers: [3.7376696] },
    hint: 'The compiler can work it out: -log(1/42), which is log(42).',
    change: ['guess", 0', 'guess", log(42)'],
    praise: 'About 3.74: that is where every training of letters begins. Now you know how a GPT is made.',
  },
};
