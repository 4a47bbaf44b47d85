import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderAll } from '../src/base/diagnostics.ts';
import { check } from '../src/compile.ts';
import { commands } from '../src/cli/commands.ts';

const readme = readFileSync('README.md', 'utf8');
const programs = [...readme.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, language, text = '']) =>
  language === '' && /^layer /m.test(text) ? [text] : [],
);

describe('the README', () => {
  it.each(programs.map((text, i) => [i, text] as const))('program %i is right', (_i, text) => {
    const { model, diagnostics } = check({ name: 'README.nn', text });
    expect(renderAll(diagnostics)).toBe('');
    expect(model?.training).toBeDefined();
  });

  it('holds three programs, and its house is the example', () => {
    expect(programs.length).toBeGreaterThanOrEqual(3);
  });

  it('leads to the pages that hold the rest', () => {
    for (const page of ['docs/language.md', 'docs/ops.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'])
      expect(readme).toContain(page);
  });

  it('names every command', () => {
    for (const c of commands().commands) expect(readme).toContain(`nnc ${c.name()}`);
  });
});

describe('docs/security.md', () => {
  const text = readFileSync('docs/security.md', 'utf8');
  const project = JSON.parse(readFileSync('package.json', 'utf8')) as Record<'dependencies' | 'peerDependencies', Record<string, string>>;

  it('names every dependency with its licence', () => {
    for (const name of Object.keys({ ...project.dependencies, ...project.peerDependencies })) {
      const { license } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')) as { readonly license: string };
      expect(text).toMatch(new RegExp(`^\\| ${name} +\\| ${license} +\\| `, 'm'));
    }
  });

  it('knows which packages have install scripts', () => {
    const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
      readonly packages: Readonly<Record<string, { readonly hasInstallScript?: true }>>;
    };
    const found = Object.entries(lock.packages).flatMap(([path, p]) => (p.hasInstallScript ? [path.replace('node_modules/', '')] : []));
    expect(found.sort()).toEqual(['esbuild', 'unrs-resolver', 'webgpu']);
  });
});

describe('docs/reliability.md', () => {
  it('names tests and commands that are there', () => {
    const text = readFileSync('docs/reliability.md', 'utf8');
    const tests = [...text.matchAll(/test\/[\w/-]+/g)].map(([path]) => path);
    expect(tests.length).toBeGreaterThan(15);
    for (const path of tests) expect(existsSync(`${path}.test.ts`) || existsSync(path), path).toBe(true);
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly scripts: Readonly<Record<string, string>> };
    for (const [, name = ''] of text.matchAll(/npm run (\w+)/g)) expect(Object.keys(scripts)).toContain(name);
  });
});
