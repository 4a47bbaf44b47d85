import { fail } from './errors.ts';

/** Throws unless something is a list, such as an array. */
export function checkList(name: string, given: unknown): void {
  if (typeof (given as { length?: unknown } | null)?.length !== 'number') fail('NN304', `'${name}' is no array of numbers`);
}

/** Throws unless something is a list of numbers of a type. JavaScript would make other numbers of what is none, such as 0 of null. */
export function checkNumbers(name: string, given: ArrayLike<unknown>, dtype: 'f32' | 'i32'): asserts given is ArrayLike<number> {
  checkList(name, given);
  const whole = dtype === 'i32';
  for (let i = 0; i < given.length; i++) {
    const v = given[i];
    if (typeof v === 'number' && (whole ? v === (v | 0) : Number.isFinite(Math.fround(v)))) continue;
    const kind = typeof v;
    const takes = whole ? 'whole numbers of 32 bits' : Number.isFinite(v) ? 'float32, which ends at 3.4e38' : 'finite numbers';
    fail('NN303', `'${name}' holds ${kind === 'number' || !v ? '' : `the ${kind} `}${String(v)} at element ${i}`, {
      help: `it takes ${kind === 'object' && v ? 'all rows in one flat array' : takes}`,
    });
  }
}

/** Of a label that is none of the classes. */
export const wrongLabel = (label: number, example: number, where: string, classes: number): string =>
  `label ${label} of example ${example} in ${where} is not one of the ${classes} classes 0 to ${classes - 1}`;
export const LABEL_HELP = 'the last layer has one output for each class';
