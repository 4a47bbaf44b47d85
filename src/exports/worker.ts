/** `import ... from 'nnc/worker'`: a model that lives in a worker, with the interface that it has anywhere. */
export { connect, type Port } from '../runtime/remote.ts';
export { serve } from '../runtime/serve.ts';
