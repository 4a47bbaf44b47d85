/** What reads files of examples: only pages with a file need it, so it comes when it is asked for. */
export { loadData } from 'nnc/data';
