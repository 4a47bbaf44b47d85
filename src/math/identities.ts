import { CompilerBug } from '../base/errors.ts';

/** A side of an identity: an operation of the tensor IR on sides, a variable, or a number. */
export type Pattern =
  | { readonly kind: 'op'; readonly op: string; readonly args: readonly Pattern[] }
  | { readonly kind: 'var'; readonly name: string }
  | { readonly kind: 'number'; readonly value: number };

export interface Identity {
  readonly text: string;
  readonly left: Pattern;
  readonly right: Pattern;
}

/**
 * What people know of real numbers, as data: `left = right` is tried in the direction it is written, `left <=> right` in both. These are for
 * formulas that are read, not for kernels, which have laws of their own: some round differently, and a quotient may be undefined on one side.
 * test/math/formulas.test.ts tries every one on many numbers.
 */
export const IDENTITIES: readonly string[] = [
  'add a 0 = a',
  'mul a 1 = a',
  'mul a 0 = 0',
  'neg (neg a) = a',
  'add a (neg a) = 0',
  'add a a = mul a 2',
  'div a 1 = a',
  'div (div a b) c = div a (mul b c)',
  'mul a (div 1 a) = 1',
  'mul a a <=> pow a 2',
  'add 1 (neg (div a (add a 1))) = div 1 (add a 1)',
  'add (expm1 a) 1 = exp a',
  'div 1 (exp a) = exp (neg a)',
  'div 1 (add (exp (neg a)) 1) = sigmoid a',
  'div 1 (add (exp a) 1) = sigmoid (neg a)',
  'add 1 (neg (sigmoid a)) = sigmoid (neg a)',
  'add 1 (neg (sigmoid (neg a))) = sigmoid a',
  'mul (exp (neg a)) (sigmoid a) = sigmoid (neg a)',
  'mul (exp a) (sigmoid (neg a)) = sigmoid a',
  'add (pow (sin a) 2) (pow (cos a) 2) = 1',
  'add 1 (div (pow (sin a) 2) (pow (cos a) 2)) = div 1 (pow (cos a) 2)',
  'abs (neg a) = abs a',
  'mul a (sign a) = abs a',
];

/** The same in another order or by another operation: these find what the others fit, and are many, so each round tries them once. */
export const REORDERINGS: readonly string[] = [
  'add a b = add b a',
  'mul a b = mul b a',
  'add (add a b) c <=> add a (add b c)',
  'mul (mul a b) c <=> mul a (mul b c)',
  'sub a b <=> add a (neg b)',
  'neg a <=> mul a -1',
  'div a b <=> mul a (div 1 b)',
  'div 1 (mul a b) <=> mul (div 1 a) (div 1 b)',
  'mul a (add b c) <=> add (mul a b) (mul a c)',
  'add (div a c) (div b c) <=> div (add a b) c',
  'add (div a b) (div c d) = div (add (mul a d) (mul c b)) (mul b d)',
  'add a (div b c) = div (add (mul a c) b) c',
  'mul (exp a) (exp b) <=> exp (add a b)',
  'pow (div a b) 2 <=> div (pow a 2) (pow b 2)',
  'pow (mul a b) 2 <=> mul (pow a 2) (pow b 2)',
];

/** The identities as rules, from left to right. */
export function rules(texts: readonly string[]): Identity[] {
  return texts.flatMap((text) => {
    const both = text.includes(' <=> ');
    const [left, right] = text.split(both ? ' <=> ' : ' = ').map((side) => parsed(side));
    if (!left || !right) throw new CompilerBug(`'${text}' is no identity`);
    const forwards = { text, left, right };
    return both ? [forwards, { text, left: right, right: left }] : [forwards];
  });
}

/** Reads `mul a (add b 1)`: the outermost operation has no parentheses. */
function parsed(text: string): Pattern {
  const tokens = text.match(/[()]|[^\s()]+/g) ?? [];
  let i = 0;
  const item = (): Pattern => {
    const token = tokens[i++] ?? '';
    if (token === '(') {
      const made = call();
      i++;
      return made;
    }
    return /^-?\d/.test(token) ? { kind: 'number', value: Number(token) } : { kind: 'var', name: token };
  };
  const call = (): Pattern => {
    const op = tokens[i++] ?? '';
    const args: Pattern[] = [];
    while (i < tokens.length && tokens[i] !== ')') args.push(item());
    return { kind: 'op', op, args };
  };
  return tokens.length === 1 ? item() : call();
}
