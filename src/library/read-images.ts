import { mustBe } from '../base/calls.ts';
import { mustBeBytes, mustBeCall } from './calls.ts';
import { readImages } from '../data/images.ts';
import type { Data } from './data.ts';
import { checkImageTarget } from './image-target.ts';
import { needsOf } from './needs.ts';
import type { Program } from './program.ts';
import { prepareAll, type ReadOptions } from './read-data.ts';

/** Images in memory: the bytes of each .png or .jpg file, and its class. */
export function readImageData(
  program: Program,
  images: readonly { readonly name: string; readonly label: string; readonly bytes: Uint8Array }[],
  options: Pick<ReadOptions, 'known'> = {},
): Data {
  mustBeCall('readImageData', program, options);
  mustBe(Array.isArray(images), 'images are a list of { name, label, bytes }', images);
  for (const image of images) mustBeBytes((image as { bytes?: unknown } | null)?.bytes);
  const files = images.map(({ name, label, bytes }) => ({ name, label, read: () => bytes }));
  const needs = needsOf(program.checkedModel, true, options.known);
  checkImageTarget('the label', needs);
  return prepareAll(program, readImages('the images', files, needs), { name: 'the images', ...options });
}
