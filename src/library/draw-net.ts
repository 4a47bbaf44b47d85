import { mustBeProgram } from './calls.ts';
import type { Learned } from '../base/learned.ts';
import { netPicture, type NetPictureOptions } from '../pictures/net.ts';
import type { KnownWeights } from './net-columns.ts';
import { netDescription } from './net-description.ts';
import type { Program } from './program.ts';

/** The picture of a program's net as SVG, with its weights and the names of its data if they are given. Throws a `UserError` without a model. */
export function drawNet(program: Program, weights?: KnownWeights, learned?: Learned, options?: NetPictureOptions): string {
  mustBeProgram(program);
  return netPicture(netDescription(program.checkedModel, weights, learned), options);
}
