/** What only the playground's panes and its editor need. */
export { dumpOf, formatText, stagesOf, wordsOf } from 'nnc';
export { drawNet } from 'nnc/pictures';
