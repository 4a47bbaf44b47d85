/** Node 20 lacks the helpers of iterators that jax-js uses. */
export function installIteratorHelpers() {
  const prototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
  for (const [name, value] of Object.entries(HELPERS))
    if (!prototype[name]) Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
}

const HELPERS = {
  *map(change) {
    let i = 0;
    for (const value of this) yield change(value, i++);
  },
  *filter(keep) {
    let i = 0;
    for (const value of this) if (keep(value, i++)) yield value;
  },
  *flatMap(change) {
    let i = 0;
    for (const value of this) yield* change(value, i++);
  },
  *take(limit) {
    let left = limit;
    if (left <= 0) return;
    for (const value of this) {
      yield value;
      if (--left <= 0) return;
    }
  },
  *drop(count) {
    let left = count;
    for (const value of this) if (left-- <= 0) yield value;
  },
  toArray() {
    return [...this];
  },
  forEach(body) {
    let i = 0;
    for (const value of this) body(value, i++);
  },
  some(test) {
    let i = 0;
    for (const value of this) if (test(value, i++)) return true;
    return false;
  },
  every(test) {
    let i = 0;
    for (const value of this) if (!test(value, i++)) return false;
    return true;
  },
  find(test) {
    let i = 0;
    for (const value of this) if (test(value, i++)) return value;
    return undefined;
  },
  reduce(combine, ...start) {
    return [...this].reduce(combine, ...start);
  },
};
