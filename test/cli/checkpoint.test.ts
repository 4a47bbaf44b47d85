import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { nncIn, temporary } from '../support/cli.ts';

/** What a run has saved is not lost: neither by damage, nor by a kill, nor by a call that forgot something. */
const PROGRAM =
  'data n=64 seed=1 { x = uniform(); y = 3*x }\nlayer Linear(1, 4) -> relu -> Linear(4, 1)\nloss mse\noptim adam lr=0.01\ntrain steps=40 seed=1\n';
const dir = temporary();
const train = (...more: readonly string[]) => nncIn(dir, {}, 'train', 'a.nn', '--device', 'cpu', ...more);
const at = (name: string): string => join(dir, name);

beforeAll(async () => {
  writeFileSync(at('a.nn'), PROGRAM);
  writeFileSync(at('b.nn'), PROGRAM.replace(/data n.*/, 'data "b.csv" x=a y=b'));
  expect((await train('--checkpoint', 'c', '--steps', '20')).code).toBe(0);
  expect((await train('--checkpoint', 'c', '--steps', '30', '--resume')).code).toBe(0);
});

describe('a checkpoint', () => {
  it('keeps the one before beside it', () => {
    expect(readdirSync(at('c')).sort()).toEqual(['checkpoint.previous.safetensors', 'checkpoint.safetensors']);
  });

  it('is not written over by a run that forgot --resume', async () => {
    const before = readFileSync(at('c/checkpoint.safetensors'));
    const r = await train('--checkpoint', 'c', '--steps', '5');
    expect([r.code, r.stderr]).toEqual([
      2,
      expect.stringContaining('checkpoint.safetensors is there already, and this run would write over it'),
    ]);
    expect(r.stderr).toContain('add --resume to go on from it, or take another folder');
    expect(readFileSync(at('c/checkpoint.safetensors')).equals(before)).toBe(true);
  });

  it('that is damaged anywhere is refused, with the way to the one before', async () => {
    const path = at('c/checkpoint.safetensors');
    const sound = readFileSync(path);
    // Bytes of the header, of the data and of the end.
    for (const place of [12, 30, 40, Math.floor(sound.length / 2), sound.length - 100, sound.length - 1]) {
      const bad = Buffer.from(sound);
      bad[place] = (bad[place] ?? 0) ^ 4;
      writeFileSync(path, bad);
      const r = await train('--checkpoint', 'c', '--resume');
      expect(r.code, `byte ${place}`).toBe(1);
      expect(r.stderr).toMatch(/checkpoint\.safetensors is (damaged: its checksum is another one|not a safetensors file)/);
    }
    const bad = Buffer.from(sound);
    bad[sound.length - 50] = (bad[sound.length - 50] ?? 0) ^ 1;
    writeFileSync(path, bad);
    const { stderr } = await train('--checkpoint', 'c', '--resume');
    expect(stderr).toContain(
      `take the one before: mv ${join('c', 'checkpoint.previous.safetensors')} ${join('c', 'checkpoint.safetensors')}`,
    );
    writeFileSync(path, sound);
  });

  it('made with other examples is refused, though there are as many of them', async () => {
    const numbers = (by: number): string => `a,b\n${Array.from({ length: 64 }, (_, i) => `${i / 64},${(by * i) / 64}`).join('\n')}\n`;
    const trainB = (...more: readonly string[]) => nncIn(dir, {}, 'train', 'b.nn', '--device', 'cpu', '--checkpoint', 'b', ...more);
    writeFileSync(at('b.csv'), numbers(3));
    expect((await trainB('--steps', '20')).code).toBe(0);
    writeFileSync(at('b.csv'), numbers(3.0001));
    const r = await trainB('--resume');
    const path = join('b', 'checkpoint.safetensors');
    expect([r.code, r.stderr]).toEqual([
      1,
      expect.stringContaining(
        `${path} was made with other examples: the data have as many rows and other numbers\n` +
          `  = help: train without --resume into another folder, or take only the weights: --init ${path} --allow-missing\n`,
      ),
    ]);
    // What the help says works.
    expect((await nncIn(dir, {}, 'train', 'b.nn', '--device', 'cpu', '--init', path, '--allow-missing')).code).toBe(0);
    writeFileSync(at('b.csv'), numbers(3));
    expect((await trainB('--resume')).code).toBe(0);
  });

  it('has its folder to itself while a run goes on; the lock of a run that is gone does not matter', async () => {
    mkdirSync(at('locked'));
    const lock = at('locked/.lock');
    writeFileSync(lock, `${process.pid} ${hostname()}`);
    const r = await train('--checkpoint', 'locked');
    expect([r.code, r.stderr]).toEqual([
      2,
      expect.stringContaining(`another run writes its checkpoints into locked: process ${process.pid} on ${hostname()}`),
    ]);
    writeFileSync(lock, '12 elsewhere');
    expect((await train('--checkpoint', 'locked')).stderr).toContain('process 12 on elsewhere');
    // No process has this number.
    writeFileSync(lock, `4194399 ${hostname()}`);
    expect((await train('--checkpoint', 'locked')).code).toBe(0);
    expect(existsSync(lock)).toBe(false);
  });

  it('that a kill left half renamed goes on from the one before, and half written files go', async () => {
    mkdirSync(at('half'));
    writeFileSync(at('half/checkpoint.previous.safetensors'), readFileSync(at('c/checkpoint.previous.safetensors')));
    // No process has this number.
    writeFileSync(at('half/.checkpoint.safetensors.4194999.part'), 'half');
    const r = await train('--checkpoint', 'half', '--resume', '--steps', '30');
    expect([r.code, r.stdout + r.stderr]).toEqual([0, expect.stringContaining('the run goes on from')]);
    expect(readFileSync(at('half/checkpoint.safetensors')).equals(readFileSync(at('c/checkpoint.safetensors')))).toBe(true);
    expect(existsSync(at('half/.checkpoint.safetensors.4194999.part'))).toBe(false);
  });

  it('within an epoch goes on with the rows of the whole run', async () => {
    const run = (...more: readonly string[]) => train('--checkpoint', 'rows', '--batch', '16', '--steps', '80', ...more);
    const rows = (stdout: string): string[][] => [...stdout.matchAll(/^ *(?:epoch|\d+) .*$/gm)].map(([row]) => row.trim().split(/ +/));
    const straight = rows((await run()).stdout);
    expect(straight.map(([name]) => name)).toEqual(['epoch', '0', '4', '8', '12', '16', '19']);
    // The first one is written after the first of the four steps of an epoch.
    rmSync(at('rows/checkpoint.safetensors'));
    const resumed = rows((await run('--resume')).stdout);
    expect(resumed.map(([name]) => name)).toEqual(straight.map(([name]) => name));
    expect(resumed.slice(2)).toEqual(straight.slice(2));
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('is saved when %s ends the run, with status %i', async (signal, status) => {
    const folder = at(`ended-${signal}`);
    const child = spawn(process.execPath, [
      join(process.cwd(), 'dist/cli/main.js'),
      'train',
      at('a.nn'),
      '--device',
      'cpu',
      '--steps',
      '100000000',
      '--checkpoint',
      folder,
    ]);
    const path = join(folder, 'checkpoint.safetensors');
    await expect.poll(() => existsSync(path), { timeout: 20_000 }).toBe(true);
    child.kill(signal);
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(code).toBe(status);
    const r = await nncIn(dir, {}, 'train', 'a.nn', '--device', 'cpu', '--steps', '1', '--checkpoint', folder, '--resume');
    expect(r.stdout).toContain('nothing is left to do');
  });
});

describe('files of users', () => {
  it('keep their rights when they are written anew, and links stay links', async () => {
    writeFileSync(at('w.safetensors'), '');
    chmodSync(at('w.safetensors'), 0o640);
    symlinkSync('w.safetensors', at('link.safetensors'));
    expect((await train('--steps', '2', '--save', 'link.safetensors')).code).toBe(0);
    expect(statSync(at('w.safetensors')).mode & 0o777).toBe(0o640);
    expect(statSync(at('w.safetensors')).size).toBeGreaterThan(100);
  });

  it.each([
    ['build b.nn --single-file -o b.csv', 'it is read by this run'],
    ['build b.nn --single-file -o b.nn', 'it is read by this run'],
    ['build b.nn --single-file --weights kept.safetensors -o kept.safetensors', 'it is read by this run'],
    ['build bw.nn --single-file -o fn.nn', 'it is read by this run'],
    ['train b.nn --device cpu --steps 2 --profile b.csv', 'it is read by this run'],
    ['train b.nn --device cpu --steps 2 --profile b.nn', 'it is read by this run'],
    ['train b.nn --device cpu --steps 2 --init kept.safetensors --save kept.safetensors', 'it is read by this run'],
    ['train b.nn --device cpu --steps 2 --save new.out --log new.out', 'it is another output of this run'],
    ['train b.nn --device cpu --seeds 2 --data other.csv --save other.csv', 'it is read by this run'],
    ['draw b.nn -o b.csv', 'the program reads it'],
    ['predict b.nn --weights kept.safetensors --device cpu --data other.csv --out b.csv', 'the program reads it'],
    ['predict b.nn --weights kept.safetensors --device cpu --data other.csv --out other.csv', 'it is read by this run'],
    ['gradcheck b.nn --report b.csv', 'it is read by this run'],
    ['verify b.nn --device cpu --report b.nn', 'it is read by this run'],
    ['opt b.graph --passes simplify -o b.graph', 'it is read by this run'],
  ])('are not written over by nnc %s', async (call, why) => {
    const words = call.split(' ');
    writeFileSync(at('b.csv'), 'a,b\n1,3\n2,6\n3,9\n4,12\n');
    writeFileSync(at('other.csv'), 'a,b\n1,3\n2,6\n');
    writeFileSync(at('fn.nn'), 'fn twice(v) = 2*v\n');
    writeFileSync(at('bw.nn'), `import "fn.nn"\n${PROGRAM}`);
    if (!existsSync(at('kept.safetensors'))) await train('--steps', '1', '--save', 'kept.safetensors');
    if (words[0] === 'opt') writeFileSync(at('b.graph'), (await nncIn(dir, {}, 'dump', 'b.nn', '--stage', 'forward')).stdout);
    const output = words.at(-1) ?? '';
    const before = existsSync(at(output)) ? readFileSync(at(output)) : undefined;
    const r = await nncIn(dir, {}, ...words);
    expect([r.code, r.stderr]).toEqual([
      2,
      expect.stringContaining(`${output} would be overwritten, and ${why}\n  = help: choose another file`),
    ]);
    if (before) expect(readFileSync(at(output)).equals(before)).toBe(true);
  });

  it('are not written over through a link to what the run reads', async () => {
    symlinkSync('a.nn', at('sly.safetensors'));
    const r = await train('--steps', '2', '--save', 'sly.safetensors');
    expect([r.code, r.stderr]).toEqual([2, expect.stringContaining('would be overwritten, and it is read by this run')]);
    expect(readFileSync(at('a.nn'), 'utf8')).toBe(PROGRAM);
  });

  it('fmt keeps line ends and rights, and refuses what is no UTF-8', async () => {
    writeFileSync(at('crlf.nn'), 'layer   Linear(1,1)\r\nloss mse\r\n');
    chmodSync(at('crlf.nn'), 0o604);
    expect((await nncIn(dir, {}, 'fmt', 'crlf.nn')).code).toBe(0);
    expect(readFileSync(at('crlf.nn'), 'utf8')).toBe('layer Linear(1, 1)\r\nloss  mse\r\n');
    expect(statSync(at('crlf.nn')).mode & 0o777).toBe(0o604);
    const odd = Buffer.from([...Buffer.from('# caf'), 0xe9, ...Buffer.from('\nlayer   Linear(1,1)\n')]);
    writeFileSync(at('latin.nn'), odd);
    const r = await nncIn(dir, {}, 'fmt', 'latin.nn');
    expect([r.code, r.stderr]).toEqual([2, expect.stringContaining('latin.nn is no text in UTF-8')]);
    expect(readFileSync(at('latin.nn')).equals(odd)).toBe(true);
  });
});

describe('what is refused', () => {
  beforeAll(() => void execFileSync('mkfifo', [at('pipe.csv')]));

  it.each([
    ['a pipe', 'pipe.csv', 'it is a pipe, and nnc reads files'],
    ['a device', '/dev/zero', 'it is a device, and nnc reads files'],
  ])('%s as data', async (_, path, message) => {
    const r = await nncIn(dir, {}, 'train', 'b.nn', '--device', 'cpu', '--data', path);
    expect([r.code, r.stderr]).toEqual([expect.any(Number), expect.stringContaining(message)]);
    expect(r.code).toBeGreaterThan(0);
  });

  it('programs of endless size, soon', async () => {
    writeFileSync(at('endless.nn'), 'input x: [4]\nlayer Linear(4, 4) -> repeat 1000000 relu -> Linear(4, 1)\n');
    const doubled = Array.from({ length: 20 }, (_, i) => `fn f${i + 1}(x) = f${i}(f${i}(x))`).join('\n');
    writeFileSync(at('doubled.nn'), `fn f0(x) = relu(x)\n${doubled}\nprint f20(1)\n`);
    for (const name of ['endless.nn', 'doubled.nn']) {
      const r = await nncIn(dir, {}, 'run', name);
      expect([r.code, r.stderr]).toEqual([1, expect.stringContaining('the program has more than 100000 operations; the last one is at')]);
    }
  });

  it('characters that command a terminal, in names and texts', async () => {
    writeFileSync(at('evil.nn'), 'layer Dense\u001b]0;owned\u0007(4)\n');
    const r = await nncIn(dir, {}, 'check', 'evil.nn');
    expect(r.code).toBe(1);
    expect(r.stdout + r.stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]/);
    expect(r.stderr).toContain('\u241b]0;owned\u2407');
  });
});
