import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** The rooms of the house and what each may look into; see ARCHITECTURE.md. A room always sees itself and base. */
const ROOMS = {
  base: [],
  parser: [],
  ir: [],
  autodiff: ['ir'],
  sema: ['parser', 'ir', 'autodiff', 'reference'],
  passes: ['ir', 'autodiff', 'plan.ts'],
  reference: ['ir'],
  gradcheck: ['ir', 'sema', 'reference'],
  math: ['ir', 'passes'],
  codegen: ['ir', 'passes', 'plan.ts', 'sections.ts'],
  'codegen-wgsl': ['ir', 'passes', 'codegen', 'plan.ts', 'sections.ts'],
  'codegen-js': ['ir', 'passes', 'codegen', 'plan.ts', 'sections.ts'],
  'codegen-wasm': ['ir', 'passes', 'codegen', 'plan.ts', 'sections.ts'],
  data: [],
  lower: ['ir', 'passes', 'codegen', 'codegen-wgsl', 'codegen-js', 'codegen-wasm', 'plan.ts', 'sections.ts'],
  runtime: ['plan.ts', 'sections.ts'],
  planning: ['sema', 'ir', 'passes', 'codegen', 'lower', 'plan.ts', 'sections.ts'],
  pictures: [],
  page: ['pictures', 'runtime'],
  library: ['sema', 'parser', 'ir', 'data', 'pictures', 'lower', 'planning', 'compile.ts', 'draw.ts', 'plan.ts'],
  exports: ['library', 'data', 'page', 'pictures', 'runtime', 'node', 'plan.ts'],
  verify: ['ir', 'passes', 'lower', 'codegen', 'codegen-wgsl', 'reference', 'runtime', 'plan.ts', 'sections.ts'],
  node: ['runtime', 'codegen', 'plan.ts'],
  standalone: ['page', 'runtime', 'plan.ts', 'data'],
};
const ALL = [
  'base',
  'parser',
  'autodiff',
  'sema',
  'ir',
  'passes',
  'reference',
  'math',
  'codegen',
  'codegen-wgsl',
  'codegen-js',
  'codegen-wasm',
  'data',
  'runtime',
  'standalone',
  'page',
  'pictures',
  'verify',
  'library',
  'exports',
  'node',
  'cli',
  'plan.ts',
  'sections.ts',
  'lower',
  'compile.ts',
  'draw.ts',
  'gradcheck',
  'gradcheck.ts',
  'planning',
];

const zones = Object.entries(ROOMS).map(([room, sees]) => ({
  target: `./src/${room}`,
  from: ALL.filter((other) => other !== room && other !== 'base' && !sees.includes(other)).map((other) => `./src/${other}`),
  message: `${room} may only look into base${sees.length ? `, ${sees.join(', ')}` : ''}.`,
}));

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'bench/**', 'test/package/project/**'] },
  ...tseslint.configs.strict,
  {
    files: ['**/*.ts'],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [importX.createNodeResolver({ extensions: ['.ts', '.js'] })],
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-invalid-void-type': 'off',
      'import-x/no-cycle': 'error',
      'import-x/no-restricted-paths': ['error', { zones }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/{cli,node}/**'],
    rules: { 'no-restricted-globals': ['error', 'process', 'console'] },
  },
  {
    // What a browser runs: no Node at all.
    files: [
      'src/{base,parser,autodiff,sema,ir,passes,reference,gradcheck,math,codegen,codegen-wgsl,codegen-js,codegen-wasm,lower,planning,library,runtime,verify,standalone,pictures,page}/**/*.ts',
      'src/*.ts',
    ],
    rules: { 'no-restricted-imports': ['error', { patterns: ['node:*'] }] },
  },
);
