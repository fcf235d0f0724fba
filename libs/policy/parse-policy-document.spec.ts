import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../errors/millrace-error.js';
import { parsePolicyDocument, policyDocumentLimit } from './parse-policy-document.js';
import { mistakeText, type PolicyMistake } from './policy-mistakes.js';

const options = { file: 'policy.yaml', ecosystems: ['npm', 'pip', 'go', 'cargo', 'apt'] };

function mistakesOf(text: string): readonly string[] {
  try {
    parsePolicyDocument(text, options);
    return [];
  } catch (error) {
    if (!isMillraceError(error) || error.code !== 'invalid-policy-document') throw error;
    expect(error.suggestion).toContain('policy validate');
    return (error.details as readonly PolicyMistake[]).map(mistakeText);
  }
}

const whole = `version: 1
allow:
  - {ecosystem: npm, purl: "pkg:npm/%40scope/*"}
  - {licence: [MIT, Apache-2.0]}
deny:
  - host: "*.evil.example"
    reason: we were warned
  - {url: "https://registry.example/**/beta/**"}
origins:
  npm: [registry.example, "https://mirror.example:8443/npm/"]
pins:
  - {sha256: ${'AB'.repeat(32)}, url: "https://files.example/tool-*.tgz", name: tool}
cooldown: {days: 7, except: ["pkg:npm/ours"]}
as-of: 2026-01-01T00:00:00Z
signatures:
  required:
    - {ecosystem: apt, keys: ["openpgp:ABCD"]}
inspectors-configuration:
  git: {urls: ["https://git.example/**"]}
sessions: {may-pin: false}
`;

describe('parsePolicyDocument', () => {
  it('reads every key, with the line of each rule', () => {
    expect(parsePolicyDocument(whole, options)).toEqual({
      version: 1,
      allow: [{ ecosystem: 'npm', purl: 'pkg:npm/%40scope/*', line: 3 }, { licence: ['MIT', 'Apache-2.0'], line: 4 }],
      deny: [{ host: '*.evil.example', reason: 'we were warned', line: 6 }, { url: 'https://registry.example/**/beta/**', line: 8 }],
      origins: { npm: { from: ['registry.example', 'https://mirror.example:8443/npm/'], line: 10 } },
      pins: [{ sha256: 'ab'.repeat(32), url: 'https://files.example/tool-*.tgz', name: 'tool', line: 12 }],
      cooldown: { days: 7, ecosystems: ['npm', 'pip', 'go', 'cargo'], except: ['pkg:npm/ours'], line: 13 },
      asOf: { at: '2026-01-01T00:00:00Z', ecosystems: ['npm', 'pip', 'go', 'cargo'], line: 14 },
      signatures: [{ ecosystem: 'apt', keys: ['openpgp:ABCD'], line: 17 }],
      inspectorsConfiguration: { git: { urls: ['https://git.example/**'] } },
      sessionsMayPin: false,
    });
  });

  it('reads JSON alike', () => {
    expect(parsePolicyDocument('{"version": 1,\n "deny": [\n  {"licence": "MIT"}]}', options).deny).toEqual([{ licence: ['MIT'], line: 3 }]);
  });

  it('names every mistake with its place, and what was probably meant', () => {
    const text = 'version: 2\ndenny: []\ndeny:\n  - {hots: a.example}\n  - {ecosystem: pypi, licence: Apache-2}\n  - {url: ""}\npins:\n  - {sha256: abc}\ncooldown: {days: -1}\nas-of: yesterday\n';
    expect(mistakesOf(text)).toEqual([
      'policy.yaml:1:10: version: must be 1, the only version there is',
      'policy.yaml:2:1: denny: unknown key: did you mean "deny"?',
      'policy.yaml:4:5: deny[0]: a rule needs at least one of ecosystem, host, url, purl, licence',
      'policy.yaml:4:6: deny[0].hots: unknown key: did you mean "host"?',
      'policy.yaml:5:17: deny[1].ecosystem: no inspector is for "pypi": did you mean "pip"?',
      'policy.yaml:5:32: deny[1].licence: is no SPDX licence id: did you mean "Apache-2.0"?',
      'policy.yaml:6:11: deny[2].url: is no usable glob: 1 to 2048 characters, at most 64 wildcards',
      'policy.yaml:8:14: pins[0].sha256: must be 64 hex digits',
      'policy.yaml:9:18: cooldown.days: must be 0 days or more',
      'policy.yaml:10:8: as-of: must be a date and time of RFC 3339, such as 2026-01-31T00:00:00Z',
    ]);
  });

  it.each([
    ['what is no YAML', 'version: 1\nallow: [', /policy\.yaml:2:9/],
    ['a key given twice', 'version: 1\nallow: []\nallow: []', /policy\.yaml:3:1: the key "allow" stands here twice/],
    ['an alias, before it grows', 'version: 1\nallow: &a []\ndeny: *a', /policy\.yaml:2:11?.*anchors and aliases/],
    ['more than one document', 'version: 1\n---\nversion: 1', /policy\.yaml:/],
    ['nothing', '', /policy\.yaml:1:1/],
    ['a list', '- version: 1', /policy\.yaml:1:1/],
    ['a nesting of a hundred', `version: 1\ninspectors-configuration: {a: ${'['.repeat(100)}${']'.repeat(100)}}`, /nested deeper/],
    ['brackets that would exhaust the stack', `version: 1\ninspectors-configuration: ${'['.repeat(400_000)}`, /policy\.yaml:2:\d+: is nested deeper/],
    ['indicators that would exhaust it', `version: 1\nallow:\n  ${'- '.repeat(400_000)}`, /nested deeper/],
    ['more parts than any policy has', '\n'.repeat(500_000), /more than 400000 parts/],
    ['a hundred thousand keys, without comparing each with all', Array.from({ length: 50_000 }, (_, index) => `k${index}: 1\n`).join(''), /policy\.yaml:1:1: /],
    ['what is too large', `version: 1\n#${' '.repeat(policyDocumentLimit)}`, /larger than 1048576 bytes/],
    ['a pin of two digests', `version: 1\npins: [{sha256: "${"0".repeat(64)}", sha1: "${"0".repeat(40)}"}]`, /exactly one of/],
    ['a digest that YAML reads as a number', `version: 1\npins: [{sha256: ${"0".repeat(64)}}]`, /put it in quotes/],
    ['credentials in an origin', 'version: 1\norigins: {npm: ["https://user:secret@registry.example/"]}', /policy\.yaml:2:17: origins\.npm\[0\]: must be a host/],
    ['a URL pattern that costs too much', `version: 1\ndeny: [{url: "${'*a'.repeat(70)}"}]`, /no usable glob/],
  ])('refuses %s', (_what, text, expected) => {
    const mistakes = mistakesOf(text);
    expect(mistakes.join('\n')).toMatch(expected);
    expect(mistakes.join('\n')).not.toContain('secret');
  });

  it('names at most a hundred mistakes', () => {
    expect(mistakesOf(`version: 1\ndeny:\n${'  - {}\n'.repeat(5000)}`)).toHaveLength(100);
  });

  it('throws nothing but its own error, whatever the text', () => {
    const edited = fc.tuple(fc.nat(whole.length), fc.nat(20), fc.string()).map(([at, length, insert]) => whole.slice(0, at) + insert + whole.slice(at + length));
    fc.assert(fc.property(fc.oneof(edited, fc.string(), fc.json()), (text) => void mistakesOf(text)), { numRuns: 300 });
  });
});
