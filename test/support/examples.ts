import { readdirSync } from 'node:fs';

/** These take seconds to compile for every device, and minutes to train on a software driver. */
const LARGE = [
  'addition.nn',
  'flowers.nn',
  'homes.nn',
  'spirals.nn',
  'denoise.nn',
  'digits.nn',
  'lora.nn',
  'series.nn',
  'tale.nn',
  'vae.nn',
];

/** The examples that a test can go through whole. */
export const SMALL_EXAMPLES = readdirSync('examples').filter((f) => f.endsWith('.nn') && !LARGE.includes(f));
