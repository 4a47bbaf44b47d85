import { at } from '../../base/errors.ts';
import { fixedShape } from '../../base/types.ts';
import { contractLabels } from '../../ir/graph/contract.ts';
import { OPS, isView } from '../../ir/graph/ops.ts';
import type { Graph, Node, NodeId } from '../../ir/graph/types.ts';
import { literal } from '../../ir/kernel/build.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import { summedShape } from './lanes.ts';
import { viewedPoint, type Point } from './views.ts';

/** A value that is read, and where. */
export interface Reading {
  readonly node: NodeId;
  readonly point: Point;
}

/** Which of the nodes in `of` are read while `root` is computed at a point, and at which of their points. */
export function readings(graph: Graph, root: NodeId, point: Point, of: ReadonlySet<NodeId>, stored: ReadonlySet<NodeId>): Reading[] {
  const found: Reading[] = [];
  const seen = new Set<string>();
  let names = 0;
  const fresh = (extent: number): ix.Index => ix.variable(`r${names++}`, extent);
  const unknown = (extent: number): ix.Index => ix.runtimeValue(literal('u32', 0), `r${names++}`, extent - 1);
  const shapeOf = (id: NodeId): number[] => fixedShape(at(graph.nodes, id).type.shape);
  const visit = (id: NodeId, p: Point): void => {
    if (id !== root && of.has(id)) found.push({ node: id, point: p });
    if (id !== root && stored.has(id)) return;
    const key = `${id}@${p.map(ix.showIndex).join()}`;
    if (seen.has(key)) return;
    seen.add(key);
    operands(at(graph.nodes, id), p).forEach(([input, q]) => visit(input, q));
  };
  const operands = (node: Node, p: Point): (readonly [NodeId, Point])[] => {
    const input = node.inputs[0] ?? -1;
    switch (node.op) {
      case 'pad':
        return [[input, p.map((v, i) => ix.add(v, ix.constant(-at(node.attrs.low, i))))]];
      case 'concat': {
        let from = 0;
        return node.inputs.map((id) => {
          const shifted = p.map((v, i) => (i === node.attrs.axis ? ix.add(v, ix.constant(-from)) : v));
          from += at(shapeOf(id), node.attrs.axis);
          return [id, shifted] as const;
        });
      }
      case 'gather': {
        const rows = at(node.inputs, 1);
        const rank = shapeOf(rows).length;
        return [
          [rows, p.slice(0, rank)],
          [input, [unknown(at(shapeOf(input), 0)), ...p.slice(rank)]],
        ];
      }
      case 'reduce_sum':
      case 'reduce_max': {
        let kept = 0;
        const full = shapeOf(input).map((extent, i) => (node.attrs.axes.includes(i) ? fresh(extent) : at(p, kept++)));
        return [[input, full]];
      }
      case 'contract': {
        const l = contractLabels(node.attrs.spec);
        const summed = [...new Set(l.a + l.b)].filter((c) => !l.out.includes(c));
        const k = summedShape(graph, node).map(fresh);
        const pick = (labels: string): Point =>
          [...labels].map((c) => (l.out.includes(c) ? at(p, l.out.indexOf(c)) : at(k, summed.indexOf(c))));
        return [
          [input, pick(l.a)],
          [at(node.inputs, 1), pick(l.b)],
        ];
      }
      case 'unwindow': {
        const inShape = shapeOf(input);
        const place = unknown(at(inShape, node.attrs.axis));
        return [[input, [...p.map((v, i) => (i === node.attrs.axis ? place : v)), fresh(at(inShape, inShape.length - 1))]]];
      }
      case 'scatter_add': {
        const k = shapeOf(input).map(fresh);
        return [
          [input, k],
          [at(node.inputs, 1), [...k, ...p.slice(1)]],
        ];
      }
      case 'uniform':
        return node.inputs.map((id) => [id, []] as const);
      case 'shuffle':
        return node.inputs.map((id, i) => [id, i === 0 ? p : []] as const);
      default:
        if (isView(node)) return [[input, viewedPoint(node, p, shapeOf(input))]];
        if (OPS[node.op].family === 'leaf') return [];
        return node.inputs.map((id) => [id, p] as const);
    }
  };
  visit(root, point);
  return found;
}
