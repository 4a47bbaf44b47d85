import { reject } from './labels.ts';
import type { Needs, Wanted } from './needs.ts';

/** The file of an input or a target that does not lie in the data file itself: .npy and IDX files hold one tensor each. */
export function companionOf(path: string, { name, what }: Wanted, needs: Needs): string {
  const { companions } = needs;
  const own = companions?.named.get(name);
  if (own !== undefined) return own;
  const usual = name === 'y' ? usualLabels(path) : undefined;
  const shared = needs.columns?.get(name)?.[0];
  const write = companions?.write(name) ?? `name it: data "${fileName(path)}" ${name}="${exampleOf(path)}"`;
  if (shared === undefined)
    return usual ?? reject(needs, 'NN302', `${path} holds one tensor, and ${what} needs a file too, which lies beside it`, write);
  const owner = companions?.owner(shared);
  // Without this, new images would be judged by the labels of those that were trained on.
  return owner === undefined
    ? shared
    : (usual ?? reject(needs, 'NN302', `${path} needs a file for ${what}, and ${shared} is that of ${owner}`, write));
}

/** Refuses files that are named for one that holds everything. */
export function refuseCompanions(path: string, needs: Needs): void {
  const [name] = needs.companions?.named.keys() ?? [];
  if (name !== undefined)
    reject(
      needs,
      'NN302',
      `${path} holds all inputs and targets, and a file of its own is named for '${name}'`,
      'only .npy and IDX files hold one tensor each: take it away',
    );
}

const fileName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path;
const exampleOf = (path: string): string => (/\.npy(\.gz)?$/i.test(path) ? 'Y.npy' : 'labels-idx1-ubyte');

/** MNIST and those that follow it name labels as their images: t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte. */
function usualLabels(path: string): string | undefined {
  const name = fileName(path);
  const labels = name.replace(/images([.-])idx3-ubyte/i, 'labels$1idx1-ubyte');
  return labels === name ? undefined : labels;
}
