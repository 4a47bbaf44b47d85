import { execFile, execFileSync, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PROGRAMS } from './programs.mjs';
import { CHAIN, KERNEL_WINDOWS, WINDOW, WORKLOADS } from './workloads.mjs';

const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TORCH = fileURLToPath(new URL('../peers/torch/', import.meta.url));
const TIMEOUT_MS = 15 * 60_000;
const ERROR_LINES = 6;
const LONGEST_ERROR = 600;

export const PYTHON = process.env.PYTHON ?? 'python3';

/**
 * Runs one program on one workload in a process of its own, so that the first step is a first step and nobody inherits
 * another's memory. Gives the result, or `{ error }`: one that fails must not end the others' run.
 */
export function measure(program, workload, { quick, environment }) {
  const job = { program, workload, quick };
  return PROGRAMS[program].python ? measurePython(job, environment) : measureNode(job, environment);
}

function measureNode(job, env) {
  const { typescript } = PROGRAMS[job.program];
  // The root's tsx, by its place: the folder that this is started from does not matter.
  const execArgv = typescript ? ['--import', import.meta.resolve('tsx')] : [];
  return new Promise((resolve) => {
    const child = fork(CHILD, [JSON.stringify(job)], { execArgv, env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    let printed = '';
    let result;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    child.on('message', (message) => (result = message));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve(result ?? { error: lastLines(printed) || `ended with ${signal ?? code}` });
    });
  });
}

function measurePython(job, env) {
  const { python, device, threads } = PROGRAMS[job.program];
  const workload = WORKLOADS[job.workload];
  const kernelWindows = KERNEL_WINDOWS[job.quick ? 'quick' : 'full'];
  const task = JSON.stringify({
    name: job.workload,
    device,
    quick: job.quick,
    kernelWindows,
    window: WINDOW[job.quick ? 'quick' : 'full'],
    chain: CHAIN,
    ...workload,
  });
  return new Promise((resolve) => {
    execFile(
      PYTHON,
      [`${TORCH}${python}`, task],
      { env: { ...env, ...(threads && { OMP_NUM_THREADS: String(threads) }) }, timeout: TIMEOUT_MS },
      (error, output, complaint) => {
        resolve(error ? { error: lastLines(complaint) || error.message } : JSON.parse(output.trim().split('\n').at(-1)));
      },
    );
  });
}

/** Which of the programs can run here at all, and why not the others. */
export function available(programs) {
  const missing = {};
  if (!programs.some((p) => PROGRAMS[p].python)) return { programs, missing };
  let torch;
  try {
    const ask = 'import torch; print("cuda" if torch.cuda.is_available() else "cpu")';
    torch = execFileSync(PYTHON, ['-c', ask], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    torch = undefined;
  }
  for (const program of programs) {
    const { python, device } = PROGRAMS[program];
    if (python && torch === undefined) missing[program] = `${PYTHON} has no torch`;
    else if (python && device.startsWith('cuda') && torch !== 'cuda') missing[program] = 'PyTorch sees no CUDA device';
  }
  return { programs: programs.filter((p) => missing[p] === undefined), missing };
}

/** The end of what a process printed, where the cause is, without the frames of its stack. */
function lastLines(text) {
  const lines = text.split('\n').filter((line) => line.trim() && !/^\s+at /.test(line) && !/^Node\.js v/.test(line));
  // Results are published: where this repository lies is nobody's business.
  return lines.slice(-ERROR_LINES).join(' | ').replaceAll(ROOT, '').slice(-LONGEST_ERROR);
}
