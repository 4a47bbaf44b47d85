"""Writes the texts of examples/: tale.txt (short fables of animals) and letter.txt (letters in another voice)."""
import random
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / 'examples'

ANIMALS = ['fox', 'hen', 'owl', 'mouse', 'bear', 'crow', 'frog', 'hare', 'goose', 'badger']
TRAITS = ['old', 'small', 'proud', 'clever', 'hungry', 'quiet', 'kind', 'lazy']
PLACES = ['by the river', 'under the oak', 'at the edge of the wood', 'in the snow', 'near the mill', 'on the hill']
THINGS = ['a golden leaf', 'a round stone', 'a piece of cheese', 'a silver bell', 'an empty nest', 'a basket of apples', 'a broken wheel']
OPENINGS = [
    'Once there was a {trait} {a} who lived {place}.',
    'One morning a {trait} {a} woke up {place}.',
    'Long ago a {trait} {a} walked {place}.',
    'In a cold winter a {trait} {a} sat {place}.',
]
FINDS = [
    'There the {a} found {thing}.',
    'Soon the {a} saw {thing} in the grass.',
    'The {a} had looked for {thing} all day, and now it was there.',
]
MEETS = [
    'Then a {b} came along.',
    'A {b} had seen it too.',
    'From behind a tree a {b} looked on.',
]
ASKS = [
    '"What do you have there?" asked the {b}.',
    '"Will you give me half of it?" asked the {b}.',
    '"That is mine," said the {b}.',
    '"I can tell you what it is worth," said the {b}.',
]
ANSWERS = [
    '"It belongs to whoever needs it most," said the {a}.',
    '"Half of it is still enough for me," said the {a}.',
    '"Come closer, and I will show it to you," said the {a}.',
    '"First tell me what you would do with it," said the {a}.',
]
TURNS = [
    'The {b} thought about it for a long time.',
    'At that moment the wind took it away.',
    'So they sat down and looked at it together.',
    'But the {b} only laughed, and the {a} laughed too.',
    'That night it rained, and they kept each other warm.',
]
MORALS = [
    'What you share does not grow less.',
    'Who asks kindly is seldom sent away.',
    'A friend is worth more than a find.',
    'The wind takes what nobody holds.',
    'Who listens long learns much.',
]


def tale(tales=260):
    random.seed(3)
    parts = []
    for _ in range(tales):
        a, b = random.sample(ANIMALS, 2)
        words = dict(a=a, b=b, trait=random.choice(TRAITS), place=random.choice(PLACES), thing=random.choice(THINGS))
        lines = [random.choice(group).format(**words) for group in (OPENINGS, FINDS, MEETS, ASKS, ANSWERS, TURNS)]
        text = ' '.join(lines).replace('a old', 'an old').replace('a owl', 'an owl')
        parts.append(f'{text}\n{random.choice(MORALS)}\n')
    (EXAMPLES / 'tale.txt').write_text('\n'.join(parts))


# Only letters that the tale has too, since a model knows no others.
GREETINGS = ['Hello {b},', 'Listen, {b},', 'To the {b}, with love,']
NEWS = [
    'today I found {thing}, {place}.',
    'I sit here {place}, and what do I see, it is {thing}.',
    'there is {thing} {place}, and I thought of you at once.',
]
WISHES = ['Come soon, and bring some cheese.', 'Tell me what I should do with it.', 'I shall keep half of it for you.', 'But not a word to the others.']
ENDS = ['So long, the {a}', 'With love, the {trait} {a}', 'With cold feet, the {a}']


def letters(count=45):
    random.seed(4)
    parts = []
    for _ in range(count):
        a, b = random.sample(ANIMALS, 2)
        words = dict(a=a, b=b, trait=random.choice(TRAITS), place=random.choice(PLACES), thing=random.choice(THINGS))
        parts.append('\n'.join(random.choice(group).format(**words) for group in (GREETINGS, NEWS, WISHES, ENDS)) + '\n')
    (EXAMPLES / 'letter.txt').write_text('\n'.join(parts))


tale()
letters()
