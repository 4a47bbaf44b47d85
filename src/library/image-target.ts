import { widthOfType } from '../base/types.ts';
import { reject } from '../data/labels.ts';
import type { Needs } from '../data/needs.ts';

/** Refuses a loss that compares several numbers of each image: its folder gives one class. */
export function checkImageTarget(path: string, needs: Needs): void {
  const [target, ...others] = needs.targets;
  if (!target || others.length > 0 || target.type.dtype !== 'f32') return;
  const width = widthOfType(target.type);
  if (width > 1)
    reject(
      needs,
      'NN304',
      `${path} gives one class for each image, and the loss compares each of the ${width} outputs with a number of its own`,
      'for classes, write: loss cross_entropy; for yes and no, end the layers with one output and write: loss bce_with_logits',
    );
}
