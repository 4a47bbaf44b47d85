/** Edit distance with adjacent swaps (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  const rows: number[][] = [];
  for (let i = 0; i <= a.length; i++) {
    const row: number[] = [];
    for (let j = 0; j <= b.length; j++) {
      if (i === 0 || j === 0) row.push(i + j);
      else {
        const up = (rows[i - 1]?.[j] ?? 0) + 1;
        const left = (row[j - 1] ?? 0) + 1;
        const diagonal = (rows[i - 1]?.[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
        const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
        row.push(Math.min(up, left, diagonal, swapped ? (rows[i - 2]?.[j - 2] ?? 0) + 1 : Infinity));
      }
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}

/** Nobody misspells a longer name. */
const LONGEST = 200;

/** The known name that the user most likely meant, if one is close enough. */
export function closest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  // One letter is not a typo of another.
  let bestDistance = name.length < 2 ? 0.5 : Math.max(1, Math.floor(name.length / 3)) + 0.5;
  for (const candidate of known) {
    // Names that differ by so much in length are no closer; and the distance of very long ones takes too long.
    if (Math.abs(candidate.length - name.length) >= bestDistance || name.length > LONGEST) continue;
    const distance = candidate.toLowerCase() === name.toLowerCase() ? 0 : editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Longer lists are not helpful. */
const MOST_LISTED = 40;
const FEW = 10;

/** `did you mean 'x'?`, or else the list of known names. */
export function hint(name: string, known: readonly string[], what: string): string {
  const match = closest(name, known);
  if (match !== undefined) return `did you mean '${match}'?`;
  if (known.length <= MOST_LISTED) return `${what}: ${known.join(', ')}`;
  return `${what}: ${known.slice(0, FEW).join(', ')}, and ${known.length - FEW} more`;
}
