"""Writes the tables of examples/: homes.csv and flowers.csv. The numbers are made up; the seed makes them the same every time."""
import random
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / 'examples'


def homes(rows=400):
    random.seed(1)
    price_of_sqm = {'Lyon': 5000, 'Nice': 6000, 'Paris': 9500, 'Rome': 5500}
    lines = ['city,sqm,rooms,garden,price']
    for _ in range(rows):
        city = random.choice(list(price_of_sqm))
        sqm = round(random.lognormvariate(4.4, 0.4))
        rooms = max(1, round(sqm / 27 + random.gauss(0, 0.7)))
        garden = random.random() < 0.4
        price = price_of_sqm[city] * sqm * (1.12 if garden else 1) * (1 + 0.02 * rooms) * random.lognormvariate(0, 0.06)
        cells = [
            city if random.random() > 0.03 else '',
            str(sqm) if random.random() > 0.08 else '',
            str(rooms),
            ('yes' if garden else 'no') if random.random() > 0.1 else 'NA',
            f'"${price:,.0f}"',
        ]
        lines.append(','.join(cells))
    (EXAMPLES / 'homes.csv').write_text('\n'.join(lines) + '\n')


def flowers(rows=180):
    random.seed(2)
    # Mean length and width of leaf and petal in centimetres, and how far they spread.
    kinds = {
        'buttercup': ([6.0, 4.1, 1.2, 1.0], [0.7, 0.5, 0.15, 0.12]),
        'crocus': ([11.5, 0.5, 3.6, 1.3], [1.8, 0.1, 0.5, 0.2]),
        'primrose': ([9.0, 3.4, 1.5, 1.3], [1.5, 0.6, 0.2, 0.18]),
    }
    lines = ['leaf length,leaf width,petal length,petal width,flower']
    for i in range(rows):
        name = list(kinds)[i % 3]
        means, spread = kinds[name]
        size = random.gauss(1, 0.08)
        lines.append(','.join([*(f'{max(0.1, size * random.gauss(m, s)):.1f}' for m, s in zip(means, spread)), name]))
    (EXAMPLES / 'flowers.csv').write_text('\n'.join(lines) + '\n')


homes()
flowers()
