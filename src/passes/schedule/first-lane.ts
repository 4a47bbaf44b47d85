import type { Kernel } from '../../ir/kernel/types.ts';

/**
 * What follows the last sum of a kernel whose first lane alone stores is computed by that lane alone, if the kernel reads what it stores:
 * other lanes would read it while the first one writes.
 */
export function firstLaneAlone(kernel: Kernel): Kernel {
  const { body, lanes, buffers } = kernel;
  const last = body.at(-1);
  if (lanes === 1 || last?.kind !== 'if' || !buffers.some((b) => b.access === 'update')) return kernel;
  const { condition } = last;
  const [lane] = condition.kind === 'call' && condition.fn === 'eq' ? condition.args : [];
  if (lane?.kind !== 'ref' || lane.name !== 'lane') return kernel;
  let from = body.length - 1;
  while (body[from - 1]?.kind === 'let') from--;
  return { ...kernel, body: [...body.slice(0, from), { ...last, body: [...body.slice(from, -1), ...last.body] }] };
}
