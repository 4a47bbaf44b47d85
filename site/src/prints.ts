/** What evaluates print lines, and PyTorch's generator: only the chapters need them. */
export { printsOf } from 'nnc';
export { torchStart } from 'nnc/data';
