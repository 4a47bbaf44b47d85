/**
 * The smallest program found that still fails: pieces are taken out as long as it does (Zeller and Hildebrandt, Simplifying and isolating
 * failure-inducing input, 2002), along what the language is made of: statements, stages, arguments, operands, what stands in brackets, and
 * sizes. `fails` says no to what does not compile. At most `tries` programs are tried.
 */
export async function shrink(text: string, fails: (text: string) => Promise<boolean>, tries = 400): Promise<string> {
  const seen = new Set([text]);
  let smallest = text;
  for (let again = true; again;) {
    again = false;
    for (const candidate of candidates(smallest)) {
      if (seen.size >= tries) return smallest;
      if (seen.has(candidate)) continue;
      seen.add(candidate);
      if (!(await fails(candidate))) continue;
      smallest = candidate;
      again = true;
      break;
    }
  }
  return smallest;
}

/** Programs with something less, the shortest first. */
function candidates(text: string): string[] {
  const cut = pieces(text).map(([from, to, instead]) => text.slice(0, from) + instead + text.slice(to));
  const sizes = [...new Set(text.match(/\b\d+\b/g) ?? [])].filter((n) => Number(n) > 1);
  const smaller = sizes.flatMap((n) =>
    [1, 2, Number(n) - 1].filter((m) => m < Number(n)).map((m) => text.replace(new RegExp(`\\b${n}\\b`, 'g'), String(m))),
  );
  return [...cut.sort((a, b) => a.length - b.length), ...smaller];
}

type Piece = readonly [from: number, to: number, instead: string];

/** What may be left out: places in the text, and what stands there then. */
function pieces(text: string): Piece[] {
  const out: Piece[] = [];
  for (const [from, to] of statements(text)) {
    out.push([from, to, '']);
    // The lines of a block.
    const body = /\{\n([^]*)\n\}/.exec(text.slice(from, to));
    if (!body) continue;
    let start = from + body.index + 2;
    for (const line of (body[1] ?? '').split('\n')) {
      out.push([start, start + line.length + 1, '']);
      start += line.length + 1;
    }
  }
  for (const [from, to] of inner(text)) {
    const parts = split(text, from, to);
    for (const [i, part] of parts.entries()) {
      const [next, last] = [parts[i + 1], parts[i - 1]];
      if (next) out.push([part.from, next.from, '']);
      else if (last) out.push([last.to, part.to, '']);
    }
    // What stands in brackets instead of the call: `residual(F)` and `repeat 2 (F)` as `F`.
    const call = /(\w+ *(\d+ *)?)?\($/.exec(text.slice(0, from));
    if (call && text[to] === ')') out.push([call.index, to + 1, text.slice(from, to)]);
  }
  return out;
}

/** From where to where statements go: a line that begins with a space or a bracket belongs to the one before. */
function statements(text: string): [number, number][] {
  const starts = [...text.matchAll(/^(?=[^\s}])/gm)].map((m) => m.index);
  return starts.map((from, i) => [from, starts[i + 1] ?? text.length]);
}

/** The places inside of brackets, and the whole of each statement behind its first word. */
function inner(text: string): [number, number][] {
  const out = statements(text).map(([from, to]): [number, number] => [
    from + (/^\w+ /.exec(text.slice(from, to))?.[0].length ?? 0),
    to - 1,
  ]);
  for (const m of text.matchAll(/^ {2}(let [\w, ]+ = )?/gm)) out.push([m.index + m[0].length, text.indexOf('\n', m.index)]);
  for (const m of text.matchAll(/[([]/g)) {
    let end = m.index + 1;
    for (let depth = 1; depth > 0 && end < text.length; end++)
      depth += '([{'.includes(text[end] ?? '') ? 1 : ')]}'.includes(text[end] ?? '') ? -1 : 0;
    out.push([m.index + 1, end - 1]);
  }
  return out;
}

/** The parts of a place between arrows, commas and operators that are in no deeper bracket. */
function split(text: string, from: number, to: number): { from: number; to: number }[] {
  const out: { from: number; to: number }[] = [];
  let depth = 0;
  let start = from;
  for (let i = from; i < to; i++) {
    if ('([{'.includes(text[i] ?? '')) depth++;
    else if (')]}'.includes(text[i] ?? '')) depth--;
    const between = depth === 0 ? /^(\s*->\s*|,\s*| [-+*/] )/.exec(text.slice(i, to)) : null;
    if (!between) continue;
    out.push({ from: start, to: i });
    i += between[0].length - 1;
    start = i + 1;
  }
  return [...out, { from: start, to }];
}
