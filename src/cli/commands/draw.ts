import { netDescription } from '../../library/net-description.ts';
import { netPicture } from '../../pictures/net.ts';
import type { Theme } from '../../pictures/theme.ts';
import { checkWeights } from '../../runtime/weights.ts';
import { mustEndIn } from '../outputs.ts';
import { writeOutput } from '../files.ts';
import { planFor } from '../plan-cache.ts';
import { openProgram, openWeights } from '../program.ts';
import { print } from '../terminal.ts';

export interface DrawFlags {
  readonly weights?: string;
  readonly out?: string;
  readonly theme: Theme;
}

/** Draws a net as SVG: small chains with their units and weights, everything else as a graph of layers. */
export async function drawCommand(path: string, flags: DrawFlags): Promise<void> {
  const program = await openProgram(path);
  const { weights, learned } = flags.weights === undefined ? {} : await openWeights(flags.weights);
  if (weights) await checkWeights(await planFor(program, { devices: 'cpu' }), weights, flags.weights ?? '');
  mustEndIn(flags.out, 'a picture is written as', ['svg']);
  const picture = netPicture(netDescription(program.model, weights, learned), { theme: flags.theme });
  if (flags.out === undefined) process.stdout.write(picture);
  else {
    await writeOutput(flags.out, picture);
    print(`${flags.out}: open it in a browser`);
  }
}
