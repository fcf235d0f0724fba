/** Jest runs the TypeScript sources as ES modules; `scripts/with-toolchain.mjs test` starts it on the project's own Node. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/apps', '<rootDir>/workflows', '<rootDir>/activities', '<rootDir>/libs', '<rootDir>/temporal', '<rootDir>/tests', '<rootDir>/examples', '<rootDir>/bench'],
  testMatch: ['**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2023',
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  // What is this slow hangs; a busy machine is slow.
  testTimeout: 90_000,
  // Node keeps what it has once loaded as an ES module; a process that has run a hundred spec files has gigabytes of them.
  workerIdleMemoryLimit: '1200MB',
};
