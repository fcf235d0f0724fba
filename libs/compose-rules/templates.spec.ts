import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkTemplate, renderText, renderValue } from './templates.js';

const scope = (body: unknown) => ({ message: { bus: 'koji', id: '1', topic: 'org.example.tag', body } });
const render = (text: string, body: unknown = { tag: { name: 'f41-build' }, arches: ['x86_64', 'aarch64'], size: 3 }): string => renderText(text, scope(body));

describe('a template of a rule', () => {
  it.each([
    ['{{ message.body.tag.name }}', 'f41-build'],
    ['{{ message.topic }} on {{ message.bus }}', 'org.example.tag on koji'],
    ['{{ message.body.tag.name | split: "-" | first | upcase }}', 'F41'],
    ['{{ message.body.arches | join: " " }}', 'x86_64 aarch64'],
    ['{% if message.body.size > 2 %}many{% else %}few{% endif %}', 'many'],
    ['{% for arch in message.body.arches %}{{ arch }},{% endfor %}', 'x86_64,aarch64,'],
    ['{{ message.body.nothing | default: "there" }}', 'there'],
    ['plain', 'plain'],
  ])('%s becomes %s', (text, expected) => {
    expect(render(text)).toBe(expected);
  });

  it.each([
    ['{{ message.body.nothing }}', 'undefined variable'],
    ['{{ message.body.tag.constructor }}', 'undefined variable'],
    ['{{ message.body.__proto__ }}', 'undefined variable'],
    ['{{ message.body.tag | unknown }}', 'undefined filter'],
    ['{{ "now" | date: "%Y" }}', 'undefined filter'],
    ['{{ message.body.arches | sample }}', 'undefined filter'],
    ['{{ message.body.arches | where_exp: "a", "a" }}', 'undefined filter'],
    ['{% include "/etc/passwd" %}', 'tag "include" not found'],
    ['{% render "/etc/passwd" %}', 'tag "render" not found'],
    ['{% layout "/etc/passwd" %}', 'tag "layout" not found'],
    ['{% if message.body %}', 'not closed'],
    ['{{ message.body.tag', 'not closed'],
    [`${'x'.repeat(10_001)}`, 'longer than'],
    ['{% for i in (1..100000000) %}{% endfor %}', 'limit exceeded'],
    ['{% for i in (1..1000) %}{% for j in (1..1000) %}{% for k in (1..1000) %}{{ i }}{% endfor %}{% endfor %}{% endfor %}', 'limit exceeded'],
    ['{% assign a = "xxxxxxxxxx" %}{% for i in (1..100) %}{% assign a = a | append: a %}{% endfor %}', 'limit exceeded'],
  ])('%s is refused', (text, message) => {
    expect(() => render(text)).toThrow(message);
  });

  it('uses only what there is', () => {
    expect(() => checkTemplate('{{ compose.id }}', ['message'])).toThrow('uses compose; it has message');
    expect(() => checkTemplate('{% assign name = message.topic %}{{ name }}', ['message'])).not.toThrow();
  });

  it('makes values of a whole text that ends in json, and texts otherwise', () => {
    const value = renderValue({ arches: '{{ message.body.arches | json }}', koji_event: '{{ message.body.size | plus: 1 | json }}', flags: ['no_deps', '{{ message.bus }}'], label: 'of {{ message.body.arches | json }}', fixed: 7 }, scope({ arches: ['x86_64'], size: 3 }));
    expect(value).toEqual({ arches: ['x86_64'], koji_event: 4, flags: ['no_deps', 'koji'], label: 'of ["x86_64"]', fixed: 7 });
  });

  it('never takes what a message says for a template', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('{{', '}}', '{%', '%}', 'message', '.', 'body', ' ', '"', 'a', '\n') }), (text) => {
        expect(render('<{{ message.body.text }}>', { text })).toBe(`<${text}>`);
        expect(renderValue(['{{ message.body.text | json }}'], scope({ text }))).toEqual([text]);
      }),
    );
  });

  it('whatever the message is, makes a text or says in words why not', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (body) => {
        for (const text of ['{{ message.body.tag.name | split: "-" | first | slice: 0, 3 }}', '{{ message.body | json }}', '{{ message.body | join: "," | truncate: 5 }}', '{% for one in message.body %}{{ one.a }}{% endfor %}']) {
          try {
            expect(typeof render(text, body)).toBe('string');
          } catch (error) {
            expect(error).toMatchObject({ code: 'invalid-request' });
          }
        }
      }),
    );
  });
});
