import { h } from './dom.ts';
import type { ImageForm } from './scene.ts';

/** An image of the model's own kind as a canvas, drawn without smoothing. `label` says what it is. */
export function canvasOf(form: ImageForm, pixels: ArrayLike<number>, label: string): HTMLCanvasElement {
  const canvas = h('canvas', { width: form.width, height: form.height, class: 'pixels', role: 'img', 'aria-label': label });
  paint(canvas, form, pixels);
  return canvas;
}

/** Paints numbers: what is as bright as the ink is white on black, whichever of the two is the larger number. */
export function paint(canvas: HTMLCanvasElement, { channels, height, width, paper, ink }: ImageForm, pixels: ArrayLike<number>): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const image = context.createImageData(width, height);
  const size = width * height;
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) {
      const v = pixels[(channels === 3 ? c : 0) * size + i] ?? paper;
      image.data[4 * i + c] = Math.round(255 * ((v - paper) / (ink - paper)));
    }
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** The pixels of an image file, scaled to the model's form, in the middle if its sides have another ratio. */
export async function pixelsOf(file: Blob, { channels, height, width, paper, ink }: ImageForm): Promise<Float32Array> {
  const bitmap = await createImageBitmap(file);
  const canvas = h('canvas', { width, height });
  const context = canvas.getContext('2d');
  if (!context) throw new Error('this browser cannot read images');
  const scale = Math.min(width / bitmap.width, height / bitmap.height);
  const [w, tall] = [bitmap.width * scale, bitmap.height * scale];
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, (width - w) / 2, (height - tall) / 2, w, tall);
  const { data } = context.getImageData(0, 0, width, height);
  const size = width * height;
  const bright = (i: number, c: number): number => {
    const at = (k: number): number => ((data[4 * i + k] ?? 0) / 255) * ((data[4 * i + 3] ?? 0) / 255);
    // Luma of Rec. 709, where the model sees one channel.
    return channels === 3 ? at(c) : 0.2126 * at(0) + 0.7152 * at(1) + 0.0722 * at(2);
  };
  return Float32Array.from({ length: channels * size }, (_, i) => paper + (ink - paper) * bright(i % size, Math.floor(i / size)));
}
