/** What writes a first program for a table. */
export { suggestProgram } from 'nnc/data';
