import { createRequire } from 'node:module';

// The CommonJS build: the ES modules of TensorFlow.js do not load in Node.
export const requireLibrary = createRequire(import.meta.url);
export const tf = requireLibrary('@tensorflow/tfjs');

export const tensor = ({ shape, values }) => tf.tensor(values, shape, values instanceof Int32Array ? 'int32' : 'float32');
