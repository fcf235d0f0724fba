import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RuleSandbox } from './rule-sandbox.js';

interface CruiseResult {
  readonly summary: { readonly violations: readonly { readonly from: string; readonly to: string; readonly rule: { readonly name: string } }[] };
}

const imports = (specifier: string): string =>
  `import { value as v${specifier.length} } from '${specifier}';\nexport const value: unknown = v${specifier.length};\n`;
const typeImport = (specifier: string): string => `import type { value as V } from '${specifier}';\nexport type Value = V;\nexport const value = 1;\n`;
const plain = 'export const value = 1;\n';
const uses = (...specifiers: readonly string[]): string => specifiers.map((specifier) => `import '${specifier}';\n`).join('');

/** Source of the breaking module, by rule; each imports one module that it must not. */
const violations: Readonly<Record<string, readonly [from: string, source: string, to: string]>> = {
  'no-cycles': ['libs/cycle/one.ts', imports('./two.js'), 'libs/cycle/two.ts'],
  'no-app-imports-another': ['apps/cli/reach.ts', imports('../gateway/main.js'), 'apps/gateway/main.ts'],
  'nothing-below-imports-apps': ['libs/low/reach.ts', imports('../../apps/gateway/controller.js'), 'apps/gateway/controller.ts'],
  'libs-know-no-orchestration': ['libs/low/orchestrate.ts', imports('../../workflows/session/messages.js'), 'workflows/session/messages.ts'],
  'workflows-are-pure': ['workflows/session/impure.ts', imports('../../libs/blobs/store.js'), 'libs/blobs/store.ts'],
  'proxy-knows-ports-only': ['libs/proxy/reach.ts', imports('../session-record/record.js'), 'libs/session-record/record.ts'],
  'database-only-where-it-belongs': ['libs/blobs/orm.ts', "import { Client as value } from 'pg';\nexport { value };\n", 'pg'],
  'no-nest-in-libs': ['libs/blobs/nest.ts', "import { Injectable as value } from '@nestjs/common';\nexport { value };\n", '@nestjs/common'],
  'database-below-the-stores': ['libs/database/up.ts', imports('../blobs/store.js'), 'libs/blobs/store.ts'],
  'stores-below-the-work': ['libs/event-store/up.ts', imports('../session-record/record.js'), 'libs/session-record/record.ts'],
  'domain-knows-the-domain-only': ['libs/session/up.ts', imports('../blobs/store.js'), 'libs/blobs/store.ts'],
  'rpm-is-pure': ['libs/rpm/up.ts', imports('../session/state.js'), 'libs/session/state.ts'],
  'haiku-is-pure': ['libs/haiku/up.ts', imports('../session/state.js'), 'libs/session/state.ts'],
  'deb-is-pure': ['libs/deb/up.ts', imports('../session/state.js'), 'libs/session/state.ts'],
  'remote-apis-are-pure': ['libs/remote-apis/up.ts', imports('../session/state.js'), 'libs/session/state.ts'],
  'ostree-is-pure': ['libs/ostree/up.ts', imports('../session/state.js'), 'libs/session/state.ts'],
  'cache-record-knows-no-store': ['libs/cache-record/up.ts', imports('../blobs/store.js'), 'libs/blobs/store.ts'],
  'formats-know-no-place': ['libs/repository-formats/up.ts', imports('../repository-record/record.js'), 'libs/repository-record/record.ts'],
  'inspection-below-session': ['libs/inspection/up.ts', imports('../session/state.js'), 'libs/session/state.ts'],
  'policy-below-inspection': ['libs/policy/up.ts', imports('../session/state.js'), 'libs/session/state.ts'],
  'no-unused-module': ['libs/dead/dead.ts', plain, 'libs/dead/dead.ts'],
  'production-needs-no-development-package': ['libs/blobs/development.ts', "import { format as value } from 'prettier';\nexport { value };\n", 'prettier'],
  'package-is-declared': ['libs/blobs/undeclared.ts', "import { x as value } from 'acorn';\nexport { value };\n", 'acorn'],
  'import-resolves': ['libs/blobs/missing.ts', imports('./nowhere.js'), './nowhere.js'],
};

const rest: Readonly<Record<string, string>> = {
  'libs/cycle/two.ts': imports('./one.js'),
  'apps/gateway/main.ts':
    uses(
      './controller.js',
      '../../libs/low/reach.js',
      ...Object.values(violations)
        .filter(([from]) => /^(libs\/(?!dead|low\/reach)|workflows)/.test(from))
        .map(([from]) => `../../${from.replace(/ts$/, 'js')}`),
    ) + plain,
  'apps/gateway/controller.ts': plain,
  'workflows/session/messages.ts': imports('../../libs/session/state.js'),
  'workflows/session/typed.ts': typeImport('../../activities/session/activities.js'),
  'activities/session/activities.ts': imports('../../libs/session-record/record.js'),
  'libs/blobs/store.ts': plain,
  'libs/repository-record/record.ts': plain,
  'libs/session/state.ts': imports('../policy/policy.js'),
  'libs/policy/policy.ts': plain,
  // Implementing the ports of the proxy is what session-record is for.
  'libs/session-record/record.ts': `import type { value as Port } from '../proxy/ports.js';\nimport { Client } from 'pg';\nexport type Implements = Port;\nexport const value = Client;\n`,
  'libs/proxy/ports.ts': plain,
  'libs/blobs/store.spec.ts': "import { Client } from 'pg';\nimport { it } from '@jest/globals';\nit('opens', () => void new Client());\n",
};

describe('layer rules', () => {
  const sandbox = new RuleSandbox({ ...Object.fromEntries(Object.values(violations).map(([from, source]) => [from, source])), ...rest });
  let found: CruiseResult['summary']['violations'];

  beforeAll(async () => {
    const output = await sandbox.run('dependency-cruiser/bin/dependency-cruise.mjs', [
      '--config',
      '.dependency-cruiser.cjs',
      '--output-type',
      'json',
      'apps',
      'workflows',
      'activities',
      'libs',
    ]);
    found = (JSON.parse(output) as CruiseResult).summary.violations;
  }, 60_000);

  afterAll(() => sandbox[Symbol.dispose]());

  it.each(Object.entries(violations).map(([rule, [from, , to]]) => [rule, from, to] as const))('%s catches %s', (rule, from, to) => {
    const caught = found.filter((violation) => violation.rule.name === rule && violation.from === from);
    expect(caught.map((violation) => violation.to)).toEqual([expect.stringContaining(to)]);
  });

  it('leaves alone what no rule is about', () => {
    const guilty = new Set([...Object.values(violations).map(([from]) => from), 'libs/cycle/two.ts']);
    expect(found.filter((violation) => !guilty.has(violation.from))).toEqual([]);
  });
});
