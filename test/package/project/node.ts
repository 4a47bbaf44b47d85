import { readFileSync } from 'node:fs';
import { load } from 'nnc/node';
import { story } from './story.js';

const told = await story({
  csv: readFileSync(process.argv[2] ?? ''),
  start: (plan, data, moved) => load(plan, { data, onDevice: moved }),
  lose: () => false,
});
console.log(JSON.stringify(told));
