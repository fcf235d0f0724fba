import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { parsePolicyDocument } from './parse-policy-document.js';
import { policySchema } from './policy-schema.js';
import { policyJsonSchema } from './policy-json-schema.js';

describe('docs/reference/policy.schema.json', () => {
  it('is current (node dist/apps/cli/main.js policy schema makes it so)', () => {
    expect(JSON.parse(readFileSync('docs/reference/policy.schema.json', 'utf8'))).toEqual(JSON.parse(JSON.stringify(policyJsonSchema())));
  });

  it('tells an editor what is wrong', () => {
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(policyJsonSchema());
    expect(validate({ version: 1, deny: [{ host: 'a.example' }], 'as-of': '2026-01-01T00:00:00Z', origins: { npm: ['a.example'] } })).toBe(true);
    expect(validate({ version: 1, denny: [] })).toBe(false);
    expect(validate({ version: 1, pins: [{ sha256: 'abc' }] })).toBe(false);
  });
});

describe('docs/reference/policy.md', () => {
  it('has an example with every key, which is valid by parser and schema', () => {
    const example = /```yaml\n([\s\S]*?)```/.exec(readFileSync('docs/reference/policy.md', 'utf8'))?.[1] ?? '';
    expect(parsePolicyDocument(example, { file: 'policy.md' })).toMatchObject({ pins: [{ name: 'the tool' }], sessionsMayPin: false });
    const value = parse(example) as object;
    const schema = policyJsonSchema();
    expect(new Ajv2020({ strict: false, validateFormats: false }).compile(schema)(value)).toBe(true);
    expect(Object.keys(value).sort()).toEqual(Object.keys(policySchema.shape).sort());
  });
});
