import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isMillraceError } from '../../errors/millrace-error.js';
import { groupPackages, readComps, writeComps, type Comps } from './comps.js';
import { mergeComps } from './merge-comps.js';
import { mergeModules, readModules } from './modules.js';

async function* chunks(text: string | Buffer, size = 50): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const doctype = '<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">';
const comps = `<?xml version="1.0" encoding="UTF-8"?>
${doctype}
<comps>
  <group>
    <id>core</id>
    <name>Core &amp; more</name>
    <name xml:lang="de">Kern</name>
    <description>Smallest</description>
    <default>true</default>
    <packagelist>
      <packagereq type="mandatory">bash</packagereq>
      <packagereq>coreutils</packagereq>
      <packagereq type="conditional" requires="gnome">gnome-bash</packagereq>
    </packagelist>
  </group>
  <category><id>base</id><name>Base</name><grouplist><groupid>core</groupid></grouplist></category>
  <environment><id>minimal</id><name>Minimal</name><grouplist><groupid>core</groupid></grouplist><optionlist><groupid default="true">more</groupid></optionlist></environment>
  <langpacks><match install="hunspell-%s" name="hunspell"/></langpacks>
</comps>`;

describe('comps', () => {
  it('are read with the document type declaration that they have', async () => {
    const read = await readComps(chunks(comps));
    expect(groupPackages(read.groups[0] as Comps['groups'][number])).toEqual([
      { name: 'bash', type: 'mandatory' },
      { name: 'coreutils', type: 'mandatory' },
      { name: 'gnome-bash', type: 'conditional', requires: 'gnome' },
    ]);
    expect([read.categories, read.environments].map((list) => list.map(({ id }) => id))).toEqual([['base'], ['minimal']]);
    expect(read.langpacks).toMatchObject([{ attributes: { name: 'hunspell', install: 'hunspell-%s' } }]);
  });

  it('are written as they were read', async () => {
    const read = await readComps(chunks(comps));
    const written = writeComps(read);
    expect(await readComps(chunks(written))).toEqual(read);
    expect(written).toContain(doctype);
  });

  it('of several repositories become one: names of the first, packages of all', async () => {
    const other = comps.replace('Core &amp; more', 'Another').replace('<packagereq>coreutils', '<packagereq type="optional">zsh').replace('<id>base</id>', '<id>second</id>');
    const [one, two] = [await readComps(chunks(comps)), await readComps(chunks(other))];
    const merged = mergeComps([one, two]);
    expect(merged.groups).toHaveLength(1);
    expect(writeComps(merged)).toContain('<name>Core &amp; more</name>');
    expect(groupPackages(merged.groups[0] as Comps['groups'][number]).map(({ name }) => name)).toEqual(['bash', 'coreutils', 'gnome-bash', 'zsh']);
    expect(merged.categories.map(({ id }) => id)).toEqual(['base', 'second']);
    expect(writeComps(mergeComps([one, two]))).toBe(writeComps(merged));
    expect(mergeComps([one, one])).toEqual(one);
  });

  it.each([
    ['entities of its own', '<!DOCTYPE comps [<!ENTITY a "b">]><comps/>', 'document type declaration'],
    ['entities behind a public name', '<!DOCTYPE comps PUBLIC "x" "y" [<!ENTITY a "b">]><comps/>', 'document type declaration'],
    ['entities that nobody declared', `${doctype}<comps><group><id>&a;</id></group></comps>`, 'not well-formed'],
    ['a group without id', '<comps><group><name>x</name></group></comps>', 'without a valid id'],
    ['a group of two ids', '<comps><group><id>x</id><id>y</id></group></comps>', 'without a valid id'],
    ['another document', '<html/>', 'not <comps>'],
  ])('with %s are refused', async (_what, text, reason) => {
    await expect(readComps(chunks(text))).rejects.toThrow(reason);
  });

  it('are always read or refused with a reason', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }), async (changes) => {
        const bytes = Buffer.from(comps);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        await readComps(chunks(bytes)).then(writeComps, (error: unknown) => expect(isMillraceError(error)).toBe(true));
      }),
    );
  });
});

const build = (context: string, version = '20240101'): string => `---
document: modulemd
version: 2
data:
  name: nodejs
  stream: "18"
  version: ${version}
  context: ${context}
  arch: x86_64
  summary: >-
    Text in which
    stream: no
  dependencies:
  - buildrequires:
      platform: [el9]
  artifacts:
    rpms:
    - nodejs-1:18.0-1.x86_64
...
`;
const defaults = (stream: string): string => `---
document: modulemd-defaults
version: 1
data:
  module: nodejs
  stream: '${stream}'
  profiles:
    '18': [common]
...
`;

describe('modules', () => {
  it('are told apart by what names them', () => {
    const [one, two] = readModules(Buffer.from(`${build('a1')}${defaults('18')}`));
    expect(one).toMatchObject({ kind: 'modulemd', name: 'nodejs', stream: '18', version: '20240101', context: 'a1', arch: 'x86_64' });
    expect(two).toMatchObject({ kind: 'modulemd-defaults', name: 'nodejs', stream: '18' });
  });

  it('of several repositories become one document, the first of each counting', () => {
    const [first, second] = [readModules(Buffer.from(build('a1') + defaults('18'))), readModules(Buffer.from(build('a1').replace('el9', 'el8') + build('b2') + defaults('20')))];
    expect(mergeModules([first, second])).toBe(build('a1') + defaults('18') + build('b2'));
    expect(mergeModules([second, first])).toBe(build('a1').replace('el9', 'el8') + build('b2') + defaults('20'));
    expect(mergeModules([])).toBe('');
  });

  it('of another form are kept, and counted once when they are equal', () => {
    const flow = readModules(Buffer.from('---\n{document: modulemd, version: 2, data: {name: x}}\n'));
    expect(mergeModules([flow, flow])).toBe('---\n{document: modulemd, version: 2, data: {name: x}}\n...\n');
  });

  it('are read in linear time, whatever is in them', () => {
    const hostile = ['- '.repeat(500_000), '{'.repeat(1_000_000), 'a: '.repeat(300_000), `? ${'x'.repeat(1_000_000)}`, `${' '.repeat(1_000_000)}:`, `x: '${' #'.repeat(400_000)}`].join('\n');
    expect(readModules(Buffer.from(hostile))).toHaveLength(1);
  });

  it.each([
    ['bytes that are not UTF-8', Buffer.from([0x64, 0xff]), 'not valid UTF-8'],
    ['a document in the line of its marker', Buffer.from('--- {data: 1}\n'), 'never writes'],
    ['endless documents', Buffer.from('---\na\n'.repeat(100_001)), 'more than 100000 documents'],
  ])('with %s are refused', (_what, bytes, reason) => {
    expect(() => readModules(bytes)).toThrow(reason);
  });
});
