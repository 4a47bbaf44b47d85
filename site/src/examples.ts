import digits from '../../examples/digits.nn?raw';
import flowersProgram from '../../examples/flowers.nn?raw';
import flowers from '../../examples/flowers.csv?url';
import homesProgram from '../../examples/homes.nn?raw';
import homes from '../../examples/homes.csv?url';
import houseProgram from '../../examples/house.nn?raw';
import house from '../../examples/house.csv?url';
import seriesProgram from '../../examples/series.nn?raw';
import spiralsProgram from '../../examples/spirals.nn?raw';
import taleProgram from '../../examples/tale.nn?raw';
import tale from '../../examples/tale.txt?url';
import { textOf } from './text-of.ts';

/** A program with its file, if it has one, which is fetched when it is chosen. */
export interface Example {
  readonly name: string;
  readonly text: string;
  readonly file: { readonly name: string; readonly text: () => Promise<string> } | undefined;
}

const at = (name: string, address: string): Example['file'] => ({ name, text: () => textOf(address) });

export const EXAMPLES: readonly Example[] = [
  { name: 'house prices: one number from another', text: houseProgram, file: at('house.csv', house) },
  { name: 'flowers: a name from four measures', text: flowersProgram, file: at('flowers.csv', flowers) },
  { name: 'homes: words, gaps and dollars', text: homesProgram, file: at('homes.csv', homes) },
  { name: 'spirals: a region of the plane', text: spiralsProgram, file: undefined },
  // Fewer digits than on the command line: they are drawn before training begins.
  { name: 'digits: read what is drawn', text: digits.replaceAll('6000', '1500'), file: undefined },
  { name: 'series: what comes next', text: seriesProgram, file: undefined },
  { name: 'a tale: a GPT that writes letter by letter', text: taleProgram, file: at('tale.txt', tale) },
];
