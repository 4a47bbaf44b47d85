import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { parseInput } from '../../src/cli/inputs.ts';

/** What `nnc predict --input` takes. */
const columns = [{ name: 'city' }, { name: 'rooms' }, { name: 'size, net' }];
const about = { inputs: [{ name: 'x', shape: [3], columns }], targets: [], output: 'numbers' } as const;
const [A, B] = ['A; B', 'Bonn, "old"'];

describe('--input of a text model', () => {
  const entries = [' ', 'a', 'c', 'e', 'h', 't'];
  const text = { inputs: [{ name: 't', shape: [7] }], targets: [], output: 'numbers', vocabulary: { tokens: 'chars', entries } } as const;

  it('is a text of the right length, or numbers', () => {
    expect(parseInput('the cat', text)).toEqual({ t: [5, 4, 3, 0, 2, 1, 5] });
    expect(parseInput('5,4,3,0,2,1,5', text)).toEqual({ t: [5, 4, 3, 0, 2, 1, 5] });
  });

  it('of another length is refused, with the way to go on from it', () => {
    expect(() => parseInput('cat', text)).toThrow(
      `the model takes a text of 7 characters, and 'cat' has 3\n  help: nnc generate goes on from a text of any length: --prompt "..."`,
    );
  });
});

describe('--input', () => {
  it.each([
    ['Rome, 3, 80; Nice, 4, 90', ['Rome', 'Nice'], ['3', '4'], ['80', '90']],
    ['city=Rome, rooms=3', ['Rome'], ['3'], [null]],
    ['city="A; B", rooms=3', [A], ['3'], [null]],
    ['rooms = 3 , city = "Bonn, ""old"""', [B], ['3'], [null]],
    ['"A; B", 3, "80,5"; "Bonn, ""old""", 4, 90', [A, B], ['3', '4'], ['80,5', '90']],
    ['"size, net"=80, "city"="Rome"', ['Rome'], [null], ['80']],
    ['"city=A; B", "rooms=3"', [A], ['3'], [null]],
    ['city=5" pipe, rooms=3', ['5" pipe'], ['3'], [null]],
    ['city=a=b', ['a=b'], [null], [null]],
    ['city="", rooms=3', [''], ['3'], [null]],
  ])('%s', (text, city, rooms, size) => {
    expect(parseInput(text, about)).toEqual({ city, rooms, 'size, net': size });
  });

  it.each([
    ['city="A; B, rooms=3', 'a quote begins at "A; B, rooms and does not end\n  help: a quote within quotes is written twice: ""'],
    ['"town"=Rome, rooms=3', "'town' is no column of the model\n  help: it takes: city, rooms, size, net"],
    ['"A; B", 3', `the model takes 3 values for each example, and '"A; B", 3' has 2`],
  ])('%s is refused', (text, told) => {
    let error: unknown;
    try {
      parseInput(text, about);
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toContain(told);
  });
});
