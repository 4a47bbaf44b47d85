import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, read, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { now } from './clock.mjs';
import { dataPath } from './data.mjs';
import { WORKLOADS } from './workloads.mjs';

const NNC = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const programPath = (workload) => fileURLToPath(new URL(`../programs/${workload}.nn`, import.meta.url));

/**
 * Milliseconds from the start of `nnc train`, as users call it, to its first loss. The log goes into a named pipe, so
 * that its first line is seen when it is written.
 */
export async function coldStart(workload, device, env) {
  const folder = mkdtempSync(join(tmpdir(), 'nnc-cold-'));
  const log = join(folder, 'log');
  execFileSync('mkfifo', [log]);
  const data = dataPath(WORKLOADS[workload].data);
  const args = [NNC, 'train', programPath(workload), '--data', data, '--device', device, '--log', log];
  const begin = now();
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (text) => (complaint += text));
  const ended = new Promise((resolve) => child.on('close', resolve));
  // Opened for both, which does not wait for the other side.
  const pipe = openSync(log, 'r+');
  const first = new Promise((resolve) => read(pipe, Buffer.alloc(1), 0, 1, null, () => resolve(now() - begin)));
  try {
    const time = await Promise.race([first, ended.then(() => undefined)]);
    if (time === undefined) throw new Error(`nnc ended before its first loss: ${complaint.trim()}`);
    return time;
  } finally {
    // The rest of the training is of no interest.
    child.kill('SIGKILL');
    await ended;
    // Wakes the read if it is still waiting: nothing else could end it.
    writeSync(pipe, '\n');
    await first;
    closeSync(pipe);
    rmSync(folder, { recursive: true });
  }
}
