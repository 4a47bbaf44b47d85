import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

/** What Tint makes of each kernel of a program: its WGSL, followed by the SPIR-V. */
function dumps(name: string, rows: number): string[] {
  const args = ['--import', 'tsx', 'test/support/spirv.ts', name, String(rows)];
  const text = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 28 });
  return text.split('// Dumped WGSL:').slice(1);
}

/** The start of Tint's counter against endless loops: 64 bits in two words. */
const COUNTER = '%v2uint %uint_4294967295 %uint_4294967295';

it('knows a counter and a check when it sees them', () => {
  const [kernel = ''] = dumps('endless', 1);
  expect(kernel).toContain(COUNTER);
  expect(kernel).toContain(' UMin ');
});

it.each([
  ['B', 128],
  ['C', 64],
  ['D', 16],
] as const)('benchmark %s: no index of a product is checked while it runs, no loop is counted, and a loop clears memory', (name, rows) => {
  const kernels = dumps(name, rows);
  expect(kernels.length).toBeGreaterThan(5);
  expect(kernels.every((k) => k.includes('OpEntryPoint'))).toBe(true);
  for (const k of kernels) expect(k).not.toContain(COUNTER);
  // SwiftShader takes seconds to compile a constant as large as the memory of a workgroup.
  const shared = kernels.filter((k) => k.includes('var<workgroup>'));
  expect(shared.length).toBeGreaterThan(1);
  for (const k of shared) {
    expect(k).toMatch(/OpVariable \S+ Workgroup\n/);
    expect(k).not.toMatch(/OpVariable \S+ Workgroup %/);
  }
  // Rows that are data are checked, as are padding, which is read outside and dropped, the tree that joins lanes, and the end of an axis
  // that is no multiple of a workgroup's part.
  const checked = /combine_|select\(0\.0|: i32|\bmin\(|if \(.*\b(row|column)\b/;
  const products = kernels.filter((k) => k.includes('fma(') && !checked.test(k.slice(0, k.indexOf('OpCapability'))));
  expect(products.length).toBeGreaterThan(1);
  for (const k of products) expect(k).not.toContain(' UMin ');
});
