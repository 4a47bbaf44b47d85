import type { Chapter } from './chapter.ts';

export const neuron: Chapter = {
  id: 'neuron',
  title: 'A neuron',
  parts: [
    'Think of a worker on a factory line. Parts come in. The worker weighs each one by how much it matters, adds them up, and lets the result pass if it is large enough. That is a neuron: multiply, add, squish.',
    'This one works out a tip: 0.1 for each point of food, 0.2 for each point of service, and 5 in any case. The 0.1 and 0.2 are weights. The 5 is the bias.',
    {
      nn: `let x = [8.0, 9.0]   # food and service
let w = [0.1, 0.2]   # the weights
let b = 5            # the bias
print "tip", w @ x + b
print "after relu", relu(w @ x + b)`,
      torch: `x = torch.tensor([8.0, 9.0])
w = torch.tensor([0.1, 0.2])
b = 5
print(w @ x + b)
print(torch.relu(w @ x + b))`,
      gives: [
        { label: 'tip', numbers: [7.6] },
        { label: 'after relu', numbers: [7.6] },
      ],
    },
    'relu is the squish: what is above zero passes, everything else becomes zero. Without it, a thousand layers could do no more than a single one.',
  ],
  challenge: {
    asks: 'Make this neuron fall silent: its sum should be -2, and so 0 after relu. Change the bias, and nothing else.',
    start: `let x = [8.0, 9.0]
let w = [0.1, 0.2]
let b = 5
print "after relu", relu(w @ x + b)
print "sum", w @ x + b`,
    goal: { label: 'sum', numbers: [-2] },
    hint: 'Without the bias, the sum is 0.8 + 1.8 = 2.6.',
    change: ['= 5', '= -4.6'],
    praise: 'Silent. A bias moves the point from which a neuron speaks.',
  },
};

export const layers: Chapter = {
  id: 'layers',
  title: 'Layers of friends',
  parts: [
    'Now put friends in a row. Each one hears all the news, trusts some of it more than the rest, and whispers on what they made of it. A row of friends is a layer. Row behind row is a network, and the last row says the answer aloud.',
    'Here are two numbers, three friends, and one who answers. All trust stands in two matrices, and @ does all the weighing at once.',
    {
      nn: `let x = [1.0, 2.0]
let W1 = [[1.0, -1.0, 0.5], [0.5, 1.0, -2.0]]
let b1 = [0.0, 0.5, 1.0]
let hidden = relu(x @ W1 + b1)
print "hidden", hidden
let W2 = [[2.0], [1.0], [3.0]]
print "out", hidden @ W2 + 1`,
      torch: `x = torch.tensor([1.0, 2.0])
W1 = torch.tensor([[1.0, -1.0, 0.5], [0.5, 1.0, -2.0]])
b1 = torch.tensor([0.0, 0.5, 1.0])
hidden = torch.relu(x @ W1 + b1)
print(hidden)
W2 = torch.tensor([[2.0], [1.0], [3.0]])
print(hidden @ W2 + 1)`,
      gives: [
        { label: 'hidden', numbers: [2, 1.5, 0] },
        { label: 'out', numbers: [6.5] },
      ],
    },
    'In a program for training you write no matrices. Linear(2, 3) -> relu -> Linear(3, 1) is the same net: the compiler makes its 13 weights, and finds their values by training.',
  ],
  challenge: {
    asks: 'The third friend says 0, so nobody ever hears it. Let it say 1, so that the answer becomes 9.5. Change one number of b1.',
    start: `let x = [1.0, 2.0]
let W1 = [[1.0, -1.0, 0.5], [0.5, 1.0, -2.0]]
let b1 = [0.0, 0.5, 1.0]
let hidden = relu(x @ W1 + b1)
print "hidden", hidden
let W2 = [[2.0], [1.0], [3.0]]
print "out", hidden @ W2 + 1`,
    goal: { label: 'out', numbers: [9.5] },
    hint: 'The third friend hears 1 × 0.5 + 2 × -2 = -3.5, and adds its bias.',
    change: [' 0.5, 1.0', ' 0.5, 4.5'],
    praise: 'It is heard. A friend whose sum is below zero learns nothing either: remember that when a net is stuck.',
  },
};

export const tensors: Chapter = {
  id: 'tensors',
  title: 'Tensors',
  parts: [
    'Everything in a net is a tensor: numbers in rows, rows in tables, tables in stacks. Its shape says how many there are of each.',
    'Arithmetic goes number by number. A smaller tensor is repeated along a larger one. The product of matrices is @: each row meets each column.',
    {
      nn: `print "sum", [1, 2, 3] + [4, 5, 6]
print "dot", [1, 2, 3] @ [4, 5, 6]
print "product", [[1, 2], [3, 4]] @ [[5, 6], [7, 8]]
print "repeated", [[1, 2, 3], [4, 5, 6]] + [10, 20, 30]`,
      torch: `print(torch.tensor([1, 2, 3]) + torch.tensor([4, 5, 6]))
print(torch.tensor([1, 2, 3]) @ torch.tensor([4, 5, 6]))
print(torch.tensor([[1, 2], [3, 4]]) @ torch.tensor([[5, 6], [7, 8]]))
print(torch.tensor([[1, 2, 3], [4, 5, 6]]) + torch.tensor([10, 20, 30]))`,
      gives: [
        { label: 'sum', numbers: [5, 7, 9] },
        { label: 'dot', numbers: [32] },
        { label: 'product', numbers: [19, 22, 43, 50] },
        { label: 'repeated', numbers: [11, 22, 33, 14, 25, 36] },
      ],
    },
    'A wrong shape is the most common mistake of all. The compiler finds it before anything runs, and shows where.',
  ],
  challenge: {
    asks: 'A @ A does not fit: rows of 3 meet columns of 2. Run it and read the message. Then make it fit, so that the last number is 77.',
    start: `let A = [[1, 2, 3], [4, 5, 6]]
print "rows with rows", A @ A`,
    goal: { label: 'rows with rows', numbers: [14, 32, 32, 77] },
    hint: 'transpose(A) turns rows into columns.',
    change: ['@ A', '@ transpose(A)'],
    praise: 'Each row met each row. Remember this product: attention is made of it.',
  },
};
