import js from '@eslint/js';
import globals from 'globals';
import tseslint from 'typescript-eslint';

// Every rule here has a file that breaks it in tests/hygiene/lint-rules.spec.ts: a rule that cannot fail is worth nothing.

const specs = ['**/*.spec.ts', 'tests/**/*.ts', 'libs/testing/**/*.ts', '**/__fixtures__/**/*.ts'];

/** Places that may read the environment: settings, the processes' entry points, and what runs tests and measurements. */
const readsEnvironment = ['libs/settings/**/*.ts', 'apps/*/main.ts', 'apps/cli/demo.ts', 'examples/**/*.ts', 'bench/**/*.ts', ...specs];

/** What a workflow must never reach: it is replayed, so it may only compute and ask activities. */
const workflowPurity = {
  patterns: [
    { regex: '^node:', message: 'A workflow is replayed: no Node modules. Do it in an activity.' },
    {
      regex:
        '^(assert|buffer|child_process|cluster|crypto|dns|events|fs|http|https|http2|net|os|path|perf_hooks|process|stream|timers|tls|url|util|worker_threads|zlib)(/|$)',
      message: 'A workflow is replayed: no Node modules. Do it in an activity.',
    },
    { regex: '^@(mikro-orm|nestjs|grpc)/', message: 'A workflow is replayed: no database and no server framework.' },
    { regex: '^@temporalio/(?!workflow$|common$)', message: 'A workflow imports @temporalio/workflow (and types of @temporalio/common) only.' },
    { regex: '^pg($|/)', message: 'A workflow is replayed: no database.' },
    { regex: '/libs/(?!(session|compose|compose-rules|repository|policy|inspection)/)', message: 'A workflow imports the pure domain only: libs/session, libs/compose, libs/compose-rules, libs/repository, libs/policy, libs/inspection.' },
    { regex: '/apps/', message: 'Imports point downwards: a workflow knows no app.' },
    { regex: '/activities/', allowTypeImports: true, message: 'A workflow knows activities by their types only.' },
  ],
};

const environmentRules = {
  'no-restricted-properties': [
    'error',
    { object: 'process', property: 'env', message: 'Settings are read once, in libs/settings or the entry point of a process, and handed on.' },
  ],
};

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/', '.millrace/', '**/__fixtures__/**/*.js'] },
  // Written by ts-proto from libs/remote-apis/protos, one file for each; tests/hygiene/remote-apis.spec.ts writes it again and compares, so that nobody edits it.
  { ignores: ['libs/remote-apis/generated/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      // Skips by itself the files whose decorators need the class at run time (emitDecoratorMetadata).
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-ignore': true, 'ts-nocheck': true, 'ts-expect-error': 'allow-with-description' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true }],
      // An implementation of an asynchronous interface need not await.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true, allowNullish: true }],
      // Headers, URLs and file names are hostile: patterns over them name control characters on purpose.
      'no-control-regex': 'off',
      'no-console': 'error',
      'max-lines': ['error', { max: 400 }],
      eqeqeq: 'error',
      ...environmentRules,
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'node:process', importNames: ['env'], message: 'Settings are read once, in libs/settings or the entry point of a process, and handed on.' },
          ],
        },
      ],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    ignores: specs,
    rules: { 'no-restricted-imports': 'off', '@typescript-eslint/no-restricted-imports': ['error', workflowPurity] },
  },
  { files: ['apps/cli/**/*.ts', 'apps/server/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts'], rules: { 'no-console': 'off' } },
  { files: readsEnvironment, rules: { 'no-restricted-properties': 'off', 'no-restricted-imports': 'off' } },
  {
    files: specs,
    rules: {
      // Specs look into parsed JSON and recorded calls; what they find is asserted, not trusted.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'no-console': 'off',
    },
  },
  { files: ['**/*.mjs', '**/*.cjs', '**/*.js'], languageOptions: { globals: globals.node } },
);
