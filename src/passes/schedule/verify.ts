import { CompilerBug, at } from '../../base/errors.ts';
import { isLeaf, isView } from '../../ir/graph/ops.ts';
import type { Kernel } from '../../ir/kernel/types.ts';
import type { Schedule, Tensor } from './types.ts';

/**
 * Throws unless views have become index maps: no kernel computes one on the way, and one that is a root is a copy for a store. Everything
 * stored must have a tensor.
 */
export function verifySchedule(s: Schedule, program: string): void {
  const bug = (text: string): never => {
    throw new CompilerBug(`after scheduling, program '${program}' is broken: ${text}`);
  };
  s.groups.forEach((g, i) => {
    for (const id of g.inlined) {
      const node = at(s.graph.nodes, id);
      if (isView(node) || isLeaf(node)) bug(`kernel ${i} computes %${id} = ${node.op}, which only moves data`);
    }
    const stored = new Set(g.stores.map((st) => st.node));
    for (const id of g.roots) {
      const node = at(s.graph.nodes, id);
      if ((isView(node) || isLeaf(node)) && !stored.has(id)) bug(`kernel ${i} computes %${id} = ${node.op} for nobody`);
    }
    for (const st of g.stores) if (!s.tensors.has(st.tensor)) bug(`kernel ${i} stores %${st.node} into ${st.tensor}, which does not exist`);
  });
}

/** Throws unless every transient is written before it is read. */
export function verifyOrder(kernels: readonly Kernel[], tensors: ReadonlyMap<string, Tensor>, program: string): void {
  const written = new Set<string>();
  for (const kernel of kernels) {
    // A row-wise kernel may read what it has stored itself.
    for (const b of kernel.buffers) if (b.access !== 'read') written.add(b.tensor);
    for (const b of kernel.buffers)
      if (b.access === 'read' && tensors.get(b.tensor)?.kind === 'transient' && !written.has(b.tensor))
        throw new CompilerBug(`after scheduling, program '${program}' is broken: ${kernel.name} reads ${b.tensor} before it is written`);
  }
}
