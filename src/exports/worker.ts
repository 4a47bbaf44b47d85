/** `import ... from 'nnc/worker'`: a model that runs in a worker, with the usual interface. */
export { connect, type Port } from '../runtime/remote.ts';
export { serve } from '../runtime/serve.ts';
