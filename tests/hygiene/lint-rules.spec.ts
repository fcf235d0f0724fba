import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RuleSandbox } from './rule-sandbox.js';

interface LintedFile {
  readonly filePath: string;
  readonly messages: readonly { readonly ruleId: string | null; readonly message: string }[];
}

const longFile = `${'export {};\n'.repeat(1)}${'// line\n'.repeat(401)}`;

/** One file per rule: the only rule it may break is named beside it. */
const violations: Readonly<Record<string, readonly [rule: string, source: string]>> = {
  'libs/floating/floating.ts': ['@typescript-eslint/no-floating-promises', 'export function go(): void {\n  Promise.resolve(1);\n}\n'],
  'libs/floating/misused.ts': [
    '@typescript-eslint/no-misused-promises',
    'export function go(): void {\n  [1].forEach(async () => {\n    await Promise.resolve();\n  });\n}\n',
  ],
  'libs/floating/thenable.ts': ['@typescript-eslint/await-thenable', 'export async function go(): Promise<void> {\n  await 5;\n}\n'],
  'libs/floating/any.ts': ['@typescript-eslint/no-explicit-any', 'export type Anything = any;\n'],
  'libs/floating/type-import.ts': ['@typescript-eslint/consistent-type-imports', "import { Readable } from 'node:stream';\nexport type Body = Readable;\n"],
  'libs/floating/switch.ts': [
    '@typescript-eslint/switch-exhaustiveness-check',
    "export function size(kind: 'a' | 'b'): number {\n  switch (kind) {\n    case 'a':\n      return 1;\n  }\n  return 0;\n}\n",
  ],
  'libs/floating/ignore.ts': ['@typescript-eslint/ban-ts-comment', '// @ts-ignore\nexport const one: string = 1;\n'],
  'libs/floating/console.ts': ['no-console', "console.log('from a library');\nexport {};\n"],
  'libs/floating/environment.ts': ['no-restricted-properties', 'export const home = process.env.HOME;\n'],
  'apps/gateway/session.controller.ts': ['no-restricted-properties', 'export const home = process.env.HOME;\n'],
  'libs/floating/environment-import.ts': ['no-restricted-imports', "import { env } from 'node:process';\nexport const home = env.HOME;\n"],
  'libs/floating/long.ts': ['max-lines', longFile],
  'libs/floating/long.spec.ts': ['max-lines', longFile],
  'workflows/bad/node.ts': ['@typescript-eslint/no-restricted-imports', "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;\n"],
  'workflows/bad/bare-node.ts': ['@typescript-eslint/no-restricted-imports', "import { readFileSync } from 'fs';\nexport const read = readFileSync;\n"],
  'workflows/bad/orm.ts': ['@typescript-eslint/no-restricted-imports', "import { MikroORM } from '@mikro-orm/core';\nexport const orm = MikroORM;\n"],
  'workflows/bad/nest.ts': [
    '@typescript-eslint/no-restricted-imports',
    "import { Injectable } from '@nestjs/common';\nexport const injectable = Injectable;\n",
  ],
  'workflows/bad/pg.ts': ['@typescript-eslint/no-restricted-imports', "import { Client } from 'pg';\nexport const client = Client;\n"],
  'workflows/bad/temporal-client.ts': [
    '@typescript-eslint/no-restricted-imports',
    "import { Client } from '@temporalio/client';\nexport const client = Client;\n",
  ],
  'workflows/bad/library.ts': ['@typescript-eslint/no-restricted-imports', "import { pool } from '../../libs/database/pool.js';\nexport const used = pool;\n"],
  'workflows/bad/activity.ts': [
    '@typescript-eslint/no-restricted-imports',
    "import { pool } from '../../activities/session/pool.js';\nexport const used = pool;\n",
  ],
  'workflows/bad/environment.ts': ['no-restricted-properties', 'export const home = process.env.HOME;\n'],
};

/** What the rules must leave alone. */
const allowed: Readonly<Record<string, string>> = {
  'apps/cli/print.ts': "console.log('from the command line');\nexport {};\n",
  'apps/gateway/main.ts': 'export const home = process.env.HOME;\n',
  'libs/settings/read.ts': 'export const home = process.env.HOME;\n',
  'libs/settings/read.spec.ts': "console.log(process.env.HOME);\nconst parsed: string = JSON.parse('1');\nexport { parsed };\n",
  'libs/database/pool.ts': 'export const pool = 1;\n',
  'activities/session/pool.ts': 'export const pool = 1;\nexport interface Activities {\n  go(): Promise<void>;\n}\n',
  'libs/session/state.ts': "export const state = 'open';\n",
  'workflows/good/good.ts':
    "import { sleep } from '@temporalio/workflow';\nimport { state } from '../../libs/session/state.js';\nimport type { Activities } from '../../activities/session/pool.js';\n" +
    'export async function good(activities: Activities): Promise<string> {\n  await sleep(1);\n  await activities.go();\n  return state;\n}\n',
  'workflows/good/good.spec.ts':
    "import { readFileSync } from 'node:fs';\nimport { pool } from '../../libs/database/pool.js';\nexport const used = [readFileSync, pool];\n",
  'apps/gateway/session.service.ts':
    "import { Injectable } from '@nestjs/common';\nimport { Clock } from './clock.js';\n@Injectable()\nexport class SessionService {\n  constructor(readonly clock: Clock) {}\n}\n",
  'apps/gateway/clock.ts': "import { Injectable } from '@nestjs/common';\n@Injectable()\nexport class Clock {\n  readonly now = 1;\n}\n",
  'libs/floating/exact.ts': '// line\n'.repeat(399) + 'export {};\n',
};

describe('lint rules', () => {
  const sandbox = new RuleSandbox({ ...Object.fromEntries(Object.entries(violations).map(([file, [, source]]) => [file, source])), ...allowed });
  let broken: ReadonlyMap<string, readonly (string | null)[]>;

  beforeAll(async () => {
    const output = await sandbox.run('eslint/bin/eslint.js', ['.', '--format', 'json']);
    const files = JSON.parse(output) as readonly LintedFile[];
    broken = new Map(files.map((file) => [path.relative(sandbox.directory, file.filePath), [...new Set(file.messages.map((message) => message.ruleId))]]));
  }, 120_000);

  afterAll(() => sandbox[Symbol.dispose]());

  it.each(Object.entries(violations).map(([file, [rule]]) => [file, rule] as const))('%s breaks %s and nothing else', (file, rule) => {
    expect(broken.get(file)).toEqual([rule]);
  });

  it.each(Object.keys(allowed))('%s breaks nothing', (file) => {
    expect(broken.get(file)).toEqual([]);
  });
});
