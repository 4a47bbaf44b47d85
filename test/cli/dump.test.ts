import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nnc, temporary } from '../support/cli.ts';

const dir = temporary();
function file(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

const WIDE = `input x: [36, 16, 16]
layer Conv2d(36, 36, 3, padding=1) -> relu -> Conv2d(36, 36, 3, padding=1) -> flatten -> Linear(9216, 1)
loss mse
optim sgd lr=0.1
train batch=8
`;

describe('what is compiled for the processor alone', () => {
  const wide = file('wide.nn', WIDE);

  it('is shown by nnc dump', async () => {
    const fused = async (...args: readonly string[]) => (await nnc('dump', wide, '--stage', 'fused', ...args)).stdout;
    expect(await fused()).not.toContain('mix');
    expect(await fused('--devices', 'cpu')).toContain('mix');
    expect(await fused('--devices', 'cpu', '--after', 'winograd')).toContain('mix');
    const { stdout } = await nnc('dump', wide, '--stage', 'kernels', '--devices', 'cpu');
    expect(stdout).toMatch(/kernel \w+.* \{/);
    const wgsl = await nnc('dump', wide, '--stage', 'wgsl', '--devices', 'cpu');
    expect([wgsl.code, wgsl.stderr]).toEqual([
      2,
      'error[NN501]: the call is wrong\n  = plans for the processor have no WGSL\n  = help: the stage kernels shows what becomes WebAssembly\n',
    ]);
  });

  it('is weighed by nnc check: fewer operations, in more memory', async () => {
    const numbers = async (...args: readonly string[]): Promise<number[]> => {
      const { stdout } = await nnc('check', wide, ...args);
      return [/([\d,]+) FLOPs; one/, /memory: ([\d,]+) bytes/].map((r) => Number((r.exec(stdout)?.[1] ?? '').replaceAll(',', '')));
    };
    const [[flops = 0, bytes = 0], [fewer = 0, more = 0]] = await Promise.all([numbers(), numbers('--devices', 'cpu')]);
    expect(fewer).toBeLessThan(flops / 2);
    expect(more).toBeGreaterThan(bytes);
  });

  it('is verified on it', async () => {
    const page = join(dir, 'wide.html');
    const { code } = await nnc(
      'verify',
      file('small.nn', WIDE.replace('16, 16', '6, 6').replace('9216', '1296')),
      '--device',
      'cpu',
      '--report',
      page,
    );
    expect(code).toBe(0);
    expect(readFileSync(page, 'utf8')).toContain('mix');
  });
});

describe('nnc dump', () => {
  it('shows the tree of a program that means nothing yet', async () => {
    const block = file('block.nn', 'block B(d) { Linear(d, d) -> relu }\nlayer B(4) -> oops\n');
    const { code, stdout, stderr } = await nnc('dump', block, '--stage', 'ast');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatchInlineSnapshot(`
      "block name=B @1:1
        argument name=d @1:9
        pipe @1:14
          call callee=Linear @1:14
            argument @1:21
              value:
                name name="d" @1:21
            argument @1:24
              value:
                name name="d" @1:24
          name name="relu" @1:30
      layer @2:1
        chain:
          pipe @2:7
            call callee=B @2:7
              argument @2:9
                value:
                  number value=4 @2:9
            name name="oops" @2:15
      "
    `);
  });

  it('has no tree where the grammar ends', async () => {
    const { code, stdout, stderr } = await nnc('dump', file('wrong.nn', 'let a = (1\n'), '--stage', 'ast');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^error\[NN10\d\]/);
  });

  it('shows the graph of a program without a model', async () => {
    const { code, stdout } = await nnc('dump', file('sum.nn', 'param w: [3] = ones\nprint sum(w^2)\n'), '--stage', 'forward');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^graph .*\{$/m);
    expect(stdout).toContain('reduce_sum');
  });
});

describe('nnc check of a batch that fits no buffer', () => {
  it('shows the layers, and then the value and the batch that fits', async () => {
    const { code, stdout, stderr } = await nnc('check', 'examples/large/gpt2.nn', '--batch', '32');
    expect(code).toBe(1);
    expect(stdout).toContain('163,037,184 parameters');
    expect(stdout).toMatch(/^lm_head +Linear\(d, 50257, bias=false\)/m);
    expect(stderr).toMatchInlineSnapshot(`
      "error[NN217]: the model is too large
        = a value has 1646821376 numbers, and nnc holds at most 1073741824 in one buffer: contract_1680 = contract : f32[32, 1024, 50257], lm_head Linear(d, 50257, bias=false) (examples/large/gpt2.nn:13:64)
        = help: use a smaller batch, of at most 20: train batch=20
      "
    `);
  });
});
