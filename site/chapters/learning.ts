import type { Chapter } from './chapter.ts';

export const loss: Chapter = {
  id: 'loss',
  title: 'The loss',
  parts: [
    'You throw darts. After each throw you measure how far it is from the middle. Twice as far is four times as bad: you square it. The mean over all throws is one number that says how wrong you are. That is the loss, and training only makes it small.',
    {
      nn: `let guess = [2.5, 0.0, 2.0, 8.0]
let real = [3.0, -0.5, 2.0, 7.0]
print "differences", guess - real
print "squared", (guess - real)^2
print "loss", mean((guess - real)^2)`,
      torch: `guess = torch.tensor([2.5, 0.0, 2.0, 8.0])
real = torch.tensor([3.0, -0.5, 2.0, 7.0])
print(guess - real)
print((guess - real) ** 2)
print(nn.MSELoss()(guess, real))`,
      gives: [
        { label: 'differences', numbers: [-0.5, 0.5, 0, 1] },
        { label: 'squared', numbers: [0.25, 0.25, 0, 1] },
        { label: 'loss', numbers: [0.375] },
      ],
    },
    'The one throw that is 1 off costs as much as four that are half off. Squares forgive what is nearly right, and punish what is far off.',
  ],
  challenge: {
    asks: 'Change a single guess, and bring the loss down to 0.125.',
    start: `let guess = [2.5, 0.0, 2.0, 8.0]
let real = [3.0, -0.5, 2.0, 7.0]
print "loss", mean((guess - real)^2)`,
    goal: { label: 'loss', numbers: [0.125] },
    hint: '0.125 is (0.25 + 0.25) / 4.',
    change: ['2.0, 8.0', '2.0, 7.0'],
    praise: 'You mended the worst throw first. The gradient, too, is largest for the worst guess.',
  },
};

export const autograd: Chapter = {
  id: 'autograd',
  title: 'Backward: dominoes',
  parts: [
    'Push the first domino, and the last one falls. How hard? Each stone passes the push on, a bit stronger or weaker, and these factors multiply. This is the chain rule. Going through the stones from the last to the first, you learn how much each one of them matters for the end.',
    'y = x² + 2x + 1 at x = 3. If x grows a little, y grows 8 times as much: the derivative is 2x + 2. The compiler finds that formula by itself, as you would on paper.',
    {
      nn: `param x = 3.0
let y = x^2 + 2*x + 1
print "y", y
print grad(y, x)`,
      torch: `x = torch.tensor(3.0, requires_grad=True)
y = x**2 + 2*x + 1
print(y)
y.backward()
print(x.grad)`,
      gives: [
        { label: 'y', numbers: [16] },
        { label: 'dy/dx', numbers: [8] },
      ],
    },
    'Here are three dominoes: a product, a sum, and a sigmoid that squishes everything between 0 and 1.',
    {
      nn: `param w = [0.5, -1.0]
let p = sigmoid(w @ [1.0, 2.0])
print "p", p
print grad(p, w)`,
      torch: `w = torch.tensor([0.5, -1.0], requires_grad=True)
p = torch.sigmoid(w @ torch.tensor([1.0, 2.0]))
print(p)
p.backward()
print(w.grad)`,
      gives: [
        { label: 'p', numbers: [0.1824255] },
        { label: 'dp/dw', numbers: [0.1491465, 0.2982929] },
      ],
    },
  ],
  challenge: {
    asks: 'Where is the bottom of the valley? Find the x at which the derivative is 0.',
    start: `param x = 3.0
let y = x^2 + 2*x + 1
print "y", y
print grad(y, x)`,
    goal: { label: 'dy/dx', numbers: [0] },
    hint: '2x + 2 must be 0.',
    change: ['= 3.0', '= -1.0'],
    praise: 'Flat ground. Training looks for such a place, with thousands of weights at once.',
  },
};

export const steps: Chapter = {
  id: 'steps',
  title: 'Five steps, over and over',
  parts: [
    'A basketball player throws, sees where the ball went, forgets the throw before, thinks about what to change, and changes it a little. Then again. Predict, loss, zero, backward, step: every training is this loop.',
    'One weight, three examples, and y is always 2x. The weight starts at 0. Backward says: the loss falls if w grows. So the optimizer moves w against the gradient, by a tenth of it.',
    {
      nn: `param w = 0.0
let loss = mean((w * [1, 2, 3] - [2, 4, 6])^2)
print "loss", loss
print grad(loss, w)
print "after one step", w - 0.1 * grad(loss, w)`,
      torch: `x, y = torch.tensor([1., 2., 3.]), torch.tensor([2., 4., 6.])
w = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
loss = ((w * x - y) ** 2).mean()    # predict, loss
optimizer.zero_grad()               # zero
loss.backward()                     # backward
optimizer.step()                    # step
print(loss, w.grad, w)`,
      gives: [
        { label: 'loss', numbers: [18.6666667] },
        { label: 'dloss/dw', numbers: [-18.6666667] },
        { label: 'after one step', numbers: [1.8666667] },
      ],
    },
    'In a program these are three lines: loss mse says how wrong, optim sgd lr=0.1 says how to move, train epochs=200 says how often. All derivatives are made by the compiler before the first step.',
  ],
  challenge: {
    asks: 'The 0.1 is the learning rate. Which rate gets from 0 to 2 in a single step? Within 0.001 is near enough.',
    start: `param w = 0.0
let loss = mean((w * [1, 2, 3] - [2, 4, 6])^2)
print "after one step", w - 0.1 * grad(loss, w)`,
    goal: { label: 'after one step', numbers: [2] },
    hint: 'The gradient is -18.667, and rate × 18.667 should be 2.',
    change: ['0.1', '0.10714'],
    praise: 'A hole in one. Try 0.3 as well: a rate that is too large jumps over the valley and lands higher than before.',
  },
};

export const house: Chapter = {
  id: 'house',
  title: 'House prices',
  parts: [
    'A pupil guesses the price of a house, and the teacher says by how much it was wrong. The pupil is the net, with 49 weights. After each lesson it corrects each of them a little. After five hundred lessons, the guesses are good.',
    'A hundred houses, between 0 and 5 thousand square feet. A square foot costs 200 dollars, the land 50 thousand, and luck adds or takes about 20 thousand. The net knows none of this. Press Train, and watch the line bend. The program draws its numbers as PyTorch does after torch.manual_seed(42), so both train on the same houses and begin with the same weights.',
    {
      nn: `data n=100 {
  x = 5 * uniform()
  y = 200*x + 50 + 20*normal()
}
layer Linear(1, 16) -> relu -> Linear(16, 1)
loss  mse
optim adam lr=0.01
train epochs=500 seed=42
print "a house of 3.0 costs", predict(3.0)`,
      torch: `torch.manual_seed(42)
x = torch.rand(100, 1) * 5
y = 200 * x + 50 + torch.randn(100, 1) * 20
model = nn.Sequential(
    nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 1))
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(
    model.parameters(), lr=0.01)
for epoch in range(500):
    loss = loss_fn(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(model(torch.tensor([[3.0]])))`,
      gives: [
        { label: 'first loss', numbers: [405237.28125] },
        { label: 'last loss', numbers: [2561.21338] },
        { label: 'a house of 3.0 costs', numbers: [654.102] },
      ],
      trains: true,
    },
    'Without luck, the price would be 650 thousand. The net has seen only noisy ones, and it does not know that the world is a straight line.',
  ],
  challenge: {
    asks: 'The loss ends at about 2,561, and the line still moves. Bring it below 600 in the same 500 epochs.',
    start: `data  n=100 { x = 5 * uniform(); y = 200*x + 50 + 20*normal() }
layer Linear(1, 16) -> relu -> Linear(16, 1)
loss  mse
optim adam lr=0.01
train epochs=500 seed=42`,
    goal: { lossBelow: 600 },
    hint: 'Larger steps get further: try a higher learning rate.',
    change: ['lr=0.01', 'lr=0.1'],
    praise:
      'Much better. It cannot come near 0 for houses that it has not seen: the luck in the prices cannot be learned, and its mean square is about 400.',
  },
};
