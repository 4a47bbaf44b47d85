import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const MAIN = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'main.js');

/** Runs the built command line as a user would; it must end by itself. */
export function nnc(...args: readonly string[]): Promise<Outcome> {
  return nncIn(process.cwd(), {}, ...args);
}

export function nncIn(cwd: string, env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd, env: { ...process.env, ...env }, timeout: 150_000 });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (d: Buffer) => (stdout += d.toString()));
    child.stderr.on('data', (d: Buffer) => (stderr += d.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      // Whatever went wrong, a user never sees where in our code it was.
      if (/\n\s+at .*\.(js|ts):\d+/.test(stdout + stderr)) reject(new Error(`a stack trace reached the user:\n${stderr}`));
      else resolve({ code, stdout, stderr });
    });
  });
}

export function temporary(): string {
  return mkdtempSync(join(tmpdir(), 'nnc-test-'));
}
