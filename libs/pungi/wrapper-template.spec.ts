import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { literal, renderWrapper } from './wrapper-template.js';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-wrapper-'));
  file = path.join(folder, 'wrapper.conf');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function render(template: string, compose: object): Promise<string> {
  writeFileSync(file, template);
  return renderWrapper(file, compose);
}

describe('a literal', () => {
  it('is for Python what the value was, whatever that is', () => {
    const values = fc.sample(fc.jsonValue({ stringUnit: 'binary' }), 300);
    const hostile = ['"""', "'", '\\', '\\"', '\n', '\u2028', '\u0085', '{{ x }}', '#', '\u{1f600}', '\0', 'é'];
    const all = [...values, ...hostile];
    const program = 'import ast, json, sys\nfor line in sys.stdin.read().split("\\x1e"): print(json.dumps(ast.literal_eval(line)))';
    const seen = execFileSync('python3', ['-c', program], { input: all.map(literal).join('\x1e'), encoding: 'utf8' }).trim().split('\n').map((line) => JSON.parse(line) as unknown);
    expect(seen).toEqual(JSON.parse(JSON.stringify(all)));
  });

  it('stays on one line', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/.test(literal(text))));
  });
});

describe('a wrapper', () => {
  it('knows the compose, and puts None where there is nothing', async () => {
    const text = await render('a = {{ compose.koji_event }}\nb = {{ compose.label }}\n{% if compose.builds %}c = {{ compose.builds | split: " " | literal }}{% endif %}\n', { koji_event: 7, label: null, builds: 'x-1-1 y-1-1' });
    expect(text).toBe('a = 7\nb = None\nc = ["x-1-1", "y-1-1"]\n');
  });

  it.each(['a"b', "a'b", 'a\\b', 'a\nb', 'a\u2028b', 'a\u0085b'])('refuses a value that it would not have quoted: %j', async (label) => {
    await expect(render('label = "{{ compose.label }}"\n', { label })).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining('without quoting it') });
    expect(await render('label = {{ compose.label | literal }}\n', { label })).toBe(`label = ${literal(label)}\n`);
  });

  it.each([
    ['{{ compose.nothing }}', 'cannot be rendered'],
    ['{{ compose.label | nothing }}', 'cannot be rendered'],
    ['{% if %}', 'cannot be rendered'],
    ['{% include "/etc/passwd" %}', 'cannot be rendered'],
    ['{% for i in (1..100000000) %}x{% endfor %}', 'cannot be rendered'],
  ])('that is none is the operator’s to correct: %s', async (template, message) => {
    await expect(render(template, { label: 'x' })).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringContaining(message) });
  });

  it('that is not there is, too', async () => {
    await expect(renderWrapper(path.join(folder, 'missing'), {})).rejects.toMatchObject({ code: 'invalid-setting', message: expect.stringContaining('cannot read') });
  });
});
