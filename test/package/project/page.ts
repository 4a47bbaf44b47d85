import { load } from 'nnc/runtime';
import { connect } from 'nnc/worker';
import { story } from './story.js';
import type { Told } from './told.js';

declare global {
  // What the test calls.
  var tell: (where: 'page' | 'worker', device: 'gpu' | 'cpu') => Promise<Told>;
  var devices: { destroy(): void }[];
}

globalThis.tell = async (where, device) => {
  const csv = new Uint8Array(await (await fetch('house.csv')).arrayBuffer());
  if (where === 'page')
    return story({
      csv,
      start: (plan, data, moved) => load(plan, { data, device, onDevice: moved }),
      lose: () => {
        globalThis.devices.at(-1)?.destroy();
        return device === 'gpu';
      },
    });
  const worker = new Worker('worker.js', { type: 'module' });
  return story({
    csv,
    start: (plan, data, moved) => connect(worker, plan, { data: { train: data.train, holdout: data.holdout }, device, onDevice: moved }),
    lose: () => {
      worker.postMessage('lose');
      return device === 'gpu';
    },
  });
};
