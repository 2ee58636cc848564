// Type-aware lint, and the second lock on the import direction: see docs/architecture.md for the picture.
import tseslint from 'typescript-eslint';

/** What a folder may import; everything else of ours is refused by name. */
const folders = ['core', 'protocol', 'files', 'proxy', 'host', 'vscode', 'webview', 'cli'];
const allowed = {
  core: [],
  protocol: ['core'],
  files: ['core'],
  proxy: ['core', 'protocol', 'files'],
  host: ['core', 'protocol', 'files'],
  vscode: ['host', 'core', 'protocol', 'files'],
  cli: ['host', 'core', 'protocol', 'files'],
  webview: ['core', 'protocol'],
};
const nodeFree = ['core', 'protocol', 'webview'];

const direction = folders.map((folder) => ({
  files: [`src/${folder}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        paths: [...(folder === 'vscode' ? [] : [{ name: 'vscode', message: 'Only src/vscode talks to the editor.' }])],
        patterns: [
          ...folders
            .filter((other) => other !== folder && !allowed[folder].includes(other))
            .map((other) => ({
              group: [`**/${other}/*`, `**/${other}/**`],
              message: `${folder} must not import ${other}.`,
            })),
          ...(nodeFree.includes(folder) ? [{ group: ['node:*'], message: `${folder} runs without Node.` }] : []),
        ],
      },
    ],
  },
}));

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'out/',
      'artifacts/',
      '.vscode-test/',
      'node_modules/',
      'test/fixtures/',
      '**/*.mjs',
      '**/*.cjs',
      'media/',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './src/webview/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true, boolean: true } }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
        { selector: 'ExportAllDeclaration', message: 'No barrel files.' },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-empty-function': 'off', '@typescript-eslint/require-await': 'off' },
  },
  { files: ['vitest.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
  ...direction,
);
