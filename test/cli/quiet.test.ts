import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** What native code prints by itself while `body` runs; writing to the descriptor is what it does too. */

const root = join(import.meta.dirname, '..', '..');
const dir = mkdtempSync(join(tmpdir(), 'nnc-quiet-'));
const script = join(dir, 'child.ts');
writeFileSync(
  script,
  `import { writeSync } from 'node:fs';
import { withoutNativeWords } from '${join(root, 'src', 'node', 'quiet.ts')}';
process.stderr.write('before\\n');
for (let i = 0; i < 3; i++) console.log(withoutNativeWords(() => (writeSync(2, 'Warning: native\\n'), i)));
try { withoutNativeWords(() => { throw new Error('thrown'); }); } catch (e) { process.stderr.write((e as Error).message + '\\n'); }
writeSync(2, 'after\\n');
process.stderr.write('end\\n');
`,
);
const child = `'${process.execPath}' --import tsx '${script}'`;

describe.runIf(process.platform === 'linux')('words of native code', () => {
  it('do not reach a pipe, and all other words do', () => {
    const text = execFileSync('sh', ['-c', `${child} 2>&1 >/dev/null | cat`], { cwd: root, encoding: 'utf8' });
    expect(text).toBe('before\nthrown\nafter\nend\n');
    const both = execFileSync('sh', ['-c', `${child} 2>&1 | cat`], { cwd: root, encoding: 'utf8' });
    expect(both.split('\n').sort()).toEqual(['', '0', '1', '2', 'after', 'before', 'end', 'thrown']);
  });

  it('leave a file that others write too as it is', () => {
    const file = join(dir, 'log');
    execFileSync('sh', ['-c', `{ ${child}; echo last; } > '${file}' 2>&1`], { cwd: root });
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.filter((l) => !l.startsWith('Warning'))).toEqual(['before', '0', '1', '2', 'thrown', 'after', 'end', 'last', '']);
  });

  it('are heard by those who look for bugs', () => {
    const text = execFileSync('sh', ['-c', `${child} 2>&1 | cat`], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NNC_DEBUG: '1' },
    });
    expect(text).toContain('Warning: native');
  });
});
