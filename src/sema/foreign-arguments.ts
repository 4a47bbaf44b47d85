/** PyTorch and NumPy names of settings, and what they are called here. */
const SAME: Readonly<Record<string, string>> = { axis: 'dim', axes: 'dim', keepdims: 'keepdim', ddof: 'correction' };

/** What to write for a setting that a call does not have; undefined if there is no equivalent. */
export function foreignArgument(name: string, known: readonly string[]): string | undefined {
  const here = Object.hasOwn(SAME, name) ? SAME[name] : undefined;
  if (here !== undefined && known.includes(here)) return `it is called ${here} here: ${here}=...`;
  return name === 'unbiased' && known.includes('correction')
    ? 'unbiased=true is correction=1, and unbiased=false is correction=0'
    : undefined;
}
