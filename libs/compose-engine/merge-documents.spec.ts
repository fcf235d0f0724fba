import { describe, expect, it } from '@jest/globals';
import { mergeGroups } from './merge-groups.js';
import { mergeModules } from './merge-modules.js';

const comps = (body: string): Buffer => Buffer.from(`<?xml version="1.0"?>\n<!DOCTYPE comps PUBLIC "-//x" "comps.dtd">\n<comps>${body}</comps>`);
const plain = (body: string): Buffer => Buffer.from(`<comps>${body}</comps>`);

describe('mergeGroups', () => {
  it('gives a single document back as it is', async () => {
    const only = comps('<group/>');
    expect(await mergeGroups([only])).toBe(only);
  });

  it('puts groups, environments and language packs of the same id together; of the rest the first word stands', async () => {
    const merged = await mergeGroups([
      plain('<group><id>a</id><name>First</name><name xml:lang="de">Erste &amp; "x"</name><packagelist><packagereq type="default">one</packagereq></packagelist></group><langpacks><match name="x" install="x-%s"/></langpacks>'),
      plain('<group><id>a</id><name>Second</name><packagelist><packagereq type="optional">one</packagereq><packagereq requires="y" type="conditional">two</packagereq></packagelist></group><environment><id>e</id><grouplist><groupid>a</groupid></grouplist></environment><langpacks><match name="x" install="x-%s"/><match name="z" install="z-%s"/></langpacks>'),
    ]);
    expect(merged.toString().replace(/\n */g, '')).toBe(
      '<?xml version="1.0" encoding="UTF-8"?><comps><group><id>a</id><name>First</name><name xml:lang="de">Erste &amp; "x"</name><packagelist><packagereq type="default">one</packagereq><packagereq requires="y" type="conditional">two</packagereq></packagelist></group><langpacks><match name="x" install="x-%s"/><match name="z" install="z-%s"/></langpacks><environment><id>e</id><grouplist><groupid>a</groupid></grouplist></environment></comps>',
    );
  });

  it('refuses what is no comps', async () => {
    await expect(mergeGroups([plain(''), Buffer.from('<other/>')])).rejects.toMatchObject({ name: 'MillraceError' });
  });
});

describe('mergeModules', () => {
  const stream = (name: string, arch: string): string => `---\ndocument: modulemd\nversion: 2\ndata:\n  name: ${name}\n  arch: ${arch}\n  description: >-\n    text\n    --- no document\n...\n`;
  const defaults = (module: string, of: string): string => `---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: ${module}\n  stream: "${of}"\n...\n`;

  it('keeps what is of this architecture, once, and the first defaults of each module', () => {
    const merged = mergeModules([Buffer.from(stream('a', 'x86_64') + stream('a', 's390x') + defaults('a', '1')), Buffer.from(stream('a', 'x86_64') + stream('b', '"x86_64"') + defaults('a', '2') + defaults('b', '2'))], 'x86_64');
    expect(merged.toString()).toBe(stream('a', 'x86_64') + defaults('a', '1') + stream('b', '"x86_64"') + defaults('b', '2'));
  });

  it('takes documents without end marks and with a comment before them', () => {
    expect(mergeModules([Buffer.from('# made by hand\n---\ndocument: x\n---\ndocument: y\n')], 'x86_64').toString()).toBe('---\ndocument: x\n...\n---\ndocument: y\n...\n');
    expect(mergeModules([Buffer.from('document: x\n')], 'x86_64').toString()).toBe('---\ndocument: x\n...\n');
  });
});
