import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve, basename } from 'node:path';
import { fail } from '../base/errors.ts';
import { isImage } from '../data/images.ts';

/** Files and folders that no output may take the place of, and why, by their real paths. */
const kept = new Map<string, string>();
/** The outputs of this run: none may take the place of another. */
const claimed = new Set<string>();

/** The real path of a file; of one that is not there yet, that in the real folder. */
function real(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const folder = dirname(resolve(path));
  return existsSync(folder) ? join(realpathSync(folder), basename(path)) : resolve(path);
}

/** Remembers that this run reads a file, or a folder of files. */
export function keepRead(path: string): void {
  if (existsSync(path)) kept.set(real(path), 'it is read by this run');
}

/** Remembers that the program names a file, which other runs of it read. */
export function keepNamed(path: string): void {
  const place = existsSync(path) ? real(path) : undefined;
  if (place !== undefined && !kept.has(place)) kept.set(place, 'the program reads it');
}

/** Refuses an output that would take the place of what is read. */
export function mustNotBeRead(output: string | undefined): void {
  if (output === undefined) return;
  const place = real(output);
  const why = kept.get(place) ?? (isImage(place) && existsSync(place) ? whyBelow(place) : undefined);
  if (why !== undefined) fail('NN501', `${output} would be overwritten, and ${why}`, { help: 'choose another file' });
}

/** Why an image is kept that lies in a folder which is read. */
function whyBelow(place: string): string | undefined {
  for (let folder = dirname(place); folder !== dirname(folder); folder = dirname(folder)) {
    const why = kept.get(folder);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** Endings that mean a format; others mean nothing. */
const FORMATS = new Set(
  (
    'csv tsv json jsonl ndjson xls xlsx ods parquet pq npy npz txt html htm svg png jpg jpeg gif webp pdf nn safetensors ' +
    'pt pth bin ckpt pkl pickle onnx h5 keras gguf tflite'
  ).split(' '),
);

/** Refuses an output that would take the place of what is read, or whose ending means another format than those that are written. */
export function mustEndIn(output: string | undefined, what: string, endings: readonly string[]): void {
  mustNotBeRead(output);
  const ending = /\.(\w+)$/.exec(output ?? '')?.[1]?.toLowerCase();
  if (output === undefined || ending === undefined || !FORMATS.has(ending) || endings.includes(ending)) return;
  const list = endings.map((e) => `.${e}`);
  const name = output.replace(/\w+$/, endings[0] ?? '');
  fail(
    'NN501',
    `${output} would not hold what its ending says: ${what} ${endings.length > 1 ? `${list.slice(0, -1).join(', ')} or ${list.at(-1) ?? ''}` : (list[0] ?? '')}`,
    {
      help: `write ${name}`,
    },
  );
}

/** Refuses an output that would take the place of what is read, or of another output of this run. */
export function claimOutput(output: string | undefined): void {
  if (output === undefined) return;
  mustNotBeRead(output);
  const place = real(output);
  if (claimed.has(place))
    fail('NN501', `${output} would be overwritten, and it is another output of this run`, { help: 'choose another file' });
  // What is none, such as /dev/null, may be written by all of them.
  if (!existsSync(place) || statSync(place).isFile()) claimed.add(place);
}
