/**
 * Scalars that change from step to step (learning rates, bias corrections, the step itself) are data: small expressions that the host
 * evaluates in float64 before each chunk of steps, so that every device sees exactly the same numbers.
 */
export type ScalarExpr = number | ScalarVariable | Rate | readonly [ScalarOp, ...ScalarExpr[]];

/**
 * `step`: steps done before this one. `seed`: the run's seed. `total`: the steps of the whole run. `rows`: the number of training examples,
 * for plans with a capacity.
 */
export type ScalarVariable = 'step' | 'seed' | 'total' | 'rows';
export type ScalarOp = keyof typeof OPS;

/** The learning rate of an optimizer, by its index: the program's expression, unless the run overrides it. */
export type Rate = readonly ['lr', number, ScalarExpr];

const OPS = {
  add: (a: number, b: number) => a + b,
  sub: (a: number, b: number) => a - b,
  mul: (a: number, b: number) => a * b,
  div: (a: number, b: number) => a / b,
  idiv: (a: number, b: number) => Math.floor(a / b),
  mod: (a: number, b: number) => a - b * Math.floor(a / b),
  pow: (a: number, b: number) => a ** b,
  min: (a: number, b: number) => Math.min(a, b),
  max: (a: number, b: number) => Math.max(a, b),
  sqrt: (a: number) => Math.sqrt(a),
  cos: (a: number) => Math.cos(a),
  /** `lt(a, b)` is 1 where a < b, else 0. */
  lt: (a: number, b: number) => (a < b ? 1 : 0),
  /** `select(c, a, b)` is a where c is not 0, else b. */
  select: (c: number, a: number, b: number) => (c !== 0 ? a : b),
};

export type ScalarEnv = Readonly<Record<Exclude<ScalarVariable, 'rows'>, number>> & {
  readonly rows?: number | undefined;
  /** Learning rates that the run overrides, by optimizer. */
  readonly rates?: readonly (number | undefined)[] | undefined;
};

export function evalScalar(e: ScalarExpr, env: ScalarEnv): number {
  if (typeof e === 'number') return e;
  if (typeof e === 'string') return env[e] ?? NaN;
  if (e[0] === 'lr') return env.rates?.[e[1]] ?? evalScalar(e[2], env);
  const [op, ...args] = e;
  const f = OPS[op] as (...xs: number[]) => number;
  return f(...args.map((a) => evalScalar(a, env)));
}

/** An operation on scalars, evaluated at once if all arguments are plain numbers. */
export function fold(op: ScalarOp, ...args: readonly ScalarExpr[]): ScalarExpr {
  const e = [op, ...args] as const;
  return args.every((a) => typeof a === 'number') ? evalScalar(e, { step: 0, seed: 0, total: 1 }) : e;
}

/** Whether an expression depends on the seed. */
export function readsSeed(e: ScalarExpr): boolean {
  if (typeof e !== 'object') return e === 'seed';
  const [, ...args] = e;
  return args.some(readsSeed);
}

/** The optimizers whose learning rates an expression uses. */
export function ratesOf(e: ScalarExpr): readonly number[] {
  if (typeof e !== 'object') return [];
  if (e[0] === 'lr') return [e[1]];
  const [, ...args] = e;
  return args.flatMap(ratesOf);
}

/** Text such as `lr / (1 - 0.9^(step + 1))`, for dumps. */
export function showScalar(e: ScalarExpr): string {
  if (typeof e !== 'object') return String(e);
  if (e[0] === 'lr') return showScalar(e[2]);
  const [op, ...args] = e;
  return `${op}(${args.map(showScalar).join(', ')})`;
}
