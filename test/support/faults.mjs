/**
 * Lets file operations on checkpoints fail: node --import .../faults.mjs, with NNC_FAULT="5:KILL" (the process ends before operation 5),
 * "5:ENOSPC" (that one fails), or "5-:EIO" (that one and all later ones). The operations are counted, and with NNC_FAULT_COUNT their
 * number goes to that file.
 */
import fs, { writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [place = '', what = ''] = (process.env.NNC_FAULT ?? '').split(':');
const [first, on] = [Number(place.replace('-', '')), place.endsWith('-')];
const mine = new WeakSet();
let count = 0;

function before(name) {
  count++;
  if (process.env.NNC_FAULT_COUNT) writeFileSync(process.env.NNC_FAULT_COUNT, String(count));
  if (what === '' || (on ? count < first : count !== first)) return;
  if (what === 'KILL') process.kill(process.pid, 'SIGKILL');
  throw Object.assign(new Error(`${what}: made to fail, ${name}`), { code: what });
}

const isMine = (path) => /checkpoint\.[^/]*$/.test(String(path)) || String(path) === process.env.NNC_FAULT_FOLDER;
const { open, rename } = fs.promises;
fs.promises.open = async (path, ...more) => {
  if (!isMine(path)) return open(path, ...more);
  before('open');
  const handle = await open(path, ...more);
  mine.add(handle);
  return handle;
};
fs.promises.rename = async (from, to) => {
  if (isMine(to)) before('rename');
  return rename(from, to);
};
syncBuiltinESMExports();

const probe = await open(new URL(import.meta.url).pathname, 'r');
const prototype = Object.getPrototypeOf(probe);
await probe.close();
for (const name of ['writeFile', 'sync', 'close', 'chmod']) {
  const original = prototype[name];
  prototype[name] = async function (...args) {
    if (mine.has(this)) before(name);
    return original.apply(this, args);
  };
}
