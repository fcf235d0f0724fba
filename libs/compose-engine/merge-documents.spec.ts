import { describe, expect, it } from '@jest/globals';
import { checkDocument, mergeGroupDocuments, mergeModuleDocuments } from './merge-documents.js';

describe('documents of several sources', () => {
  it('become one: groups with the packages of all', async () => {
    const comps = (item: string): Buffer => Buffer.from(`<comps><group><id>core</id><packagelist><packagereq>${item}</packagereq></packagelist></group></comps>`);
    expect((await mergeGroupDocuments([comps('one'), comps('two')])).toString().match(/<packagereq[^>]*>[^<]*/g)).toHaveLength(2);
  });

  it('become one for each architecture: modules of others are left out, what has none stays', () => {
    const module = (name: string, arch: string): string => `---\ndocument: modulemd\nversion: 2\ndata:\n  name: ${name}\n  stream: "1"\n  arch: ${arch}\n...\n`;
    const defaults = '---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: a\n...\n';
    const merged = mergeModuleDocuments([Buffer.from(module('a', 'x86_64') + module('a', 's390x')), Buffer.from(module('a', 'x86_64') + module('b', '"x86_64"') + defaults)], 'x86_64').toString();
    expect(merged).toBe(module('a', 'x86_64') + module('b', '"x86_64"') + defaults);
  });

  it('are refused, with the source that has them, when they cannot be read', async () => {
    await expect(checkDocument.groups(Buffer.from('<other/>'), 'https://repository.example/os')).rejects.toMatchObject({ code: 'source-invalid', message: expect.stringContaining('the groups of https://repository.example/os cannot be used') });
    await expect(checkDocument.modules(Buffer.from([0xff, 0xfe]), 'https://repository.example/os')).rejects.toMatchObject({ code: 'source-invalid' });
  });
});
