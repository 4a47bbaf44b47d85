import flowersProgram from '../../examples/flowers.nn?raw';
import flowers from '../../examples/flowers.csv?raw';
import homesProgram from '../../examples/homes.nn?raw';
import homes from '../../examples/homes.csv?raw';
import houseProgram from '../../examples/house.nn?raw';
import house from '../../examples/house.csv?raw';
import spiralsProgram from '../../examples/spirals.nn?raw';

/** A program with its file, if it has one. */
export interface Example {
  readonly name: string;
  readonly text: string;
  readonly file: { readonly name: string; readonly text: string } | undefined;
}

export const EXAMPLES: readonly Example[] = [
  { name: 'house prices: a number from a number', text: houseProgram, file: { name: 'house.csv', text: house } },
  { name: 'flowers: a name from four measures', text: flowersProgram, file: { name: 'flowers.csv', text: flowers } },
  { name: 'homes: words, gaps and dollars', text: homesProgram, file: { name: 'homes.csv', text: homes } },
  { name: 'spirals: a region of the plane', text: spiralsProgram, file: undefined },
];
