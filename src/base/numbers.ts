import { fail } from './errors.ts';

/** Throws unless something is a list, such as an array. */
export function checkList(name: string, given: unknown): void {
  if (typeof given === 'function' || typeof (given as { length?: unknown } | null)?.length !== 'number')
    fail('NN304', `'${name}' is no array of numbers`);
}

/**
 * Throws unless something is a list of numbers of a type, in rows of a width. JavaScript would make other numbers of what is none, such as 0
 * of null. `places` are the rows that the list holds, where those are not the first ones.
 */
export function checkNumbers(
  name: string,
  given: ArrayLike<unknown>,
  dtype: 'f32' | 'i32',
  width: number,
  places?: ArrayLike<number>,
): asserts given is ArrayLike<number> {
  checkList(name, given);
  const whole = dtype === 'i32';
  let i = 0;
  // Of float32 only NaN and infinity are wrong, and less is asked of each number where there are many.
  if (given instanceof Float32Array) while (i < given.length && (given[i] ?? 0) - (given[i] ?? 0) === 0) i++;
  for (; i < given.length; i++) {
    const v = given[i];
    if (typeof v === 'number' && (whole ? v === (v | 0) : Number.isFinite(Math.fround(v)))) continue;
    const kind = typeof v;
    const takes = whole ? 'whole numbers of 32 bits' : Number.isFinite(v) ? 'float32, which ends at 3.4e38' : 'finite numbers';
    const nested = kind === 'object' && v;
    const [row, column] = [Math.floor(i / width), i % width];
    const place = places?.[row] ?? row;
    const where = nested ? '' : ` (row ${place + 1}${width === 1 ? '' : `, column ${column + 1}`})`;
    fail(
      'NN303',
      `'${name}' holds ${kind === 'number' || !v ? '' : `the ${kind} `}${String(v)} at element ${place * width + column}${where}`,
      {
        help: `it takes ${nested ? 'all rows in one flat array' : takes}`,
      },
    );
  }
}

/** Whether a number is none of the classes, or, without classes, neither yes nor no nor between. */
export const isWrong = (label: number, classes = 2): boolean => label < 0 || label > classes - 1;

/** What is said about such a number, and what to do. */
export const wrongLabel = (label: number, example: number, where: string, classes: number | undefined): readonly [string, string] => [
  `label ${label} of example ${example} in ${where} is not ${classes === undefined ? 'from 0 to 1' : `one of the ${classes} classes 0 to ${classes - 1}`}`,
  classes === undefined ? 'for this loss, 0 is no and 1 is yes' : 'the last layer has one output for each class',
];
