import { describe, expect, it } from '@jest/globals';
import { fakeModulemd } from '../testing/fake-mbs.js';
import { readModulemd } from './modulemd.js';

const read = (text: string): ReturnType<typeof readModulemd> => readModulemd(text, 'the modulemd');

describe('a modulemd', () => {
  it('says what it is, what it needs and which packages it has', () => {
    const text = fakeModulemd({ name: 'mill', stream: '1.10', version: '20260101000000', context: 'abcdef01', requires: { race: ['2'], pond: [] } }, { arch: 'x86_64', artifacts: ['wheel-0:1.0-1.x86_64', 'wheel-0:1.0-1.src'] });
    expect(read(text)).toMatchObject({ name: 'mill', stream: '1.10', version: '20260101000000', context: 'abcdef01', arch: 'x86_64', requires: [{ name: 'platform', stream: 'el8' }, { name: 'race', stream: '2' }], artifacts: ['wheel-0:1.0-1.x86_64', 'wheel-0:1.0-1.src'] });
  });

  it('has its names as they are written, whatever numbers they look like', () => {
    const text = 'document: modulemd\nversion: 2\ndata:\n  name: mill\n  stream: 1.10\n  version: 20260101000000\n  context: 00000000\n  dependencies:\n  - requires: {race: [1.20, 0x10, 1e3], dam: [], pond: [-2]}\n';
    expect(read(text)).toMatchObject({ stream: '1.10', context: '00000000', requires: [{ name: 'race', stream: '1.20' }, { name: 'race', stream: '0x10' }, { name: 'race', stream: '1e3' }] });
  });

  it('of version 1 is read, too', () => {
    expect(read('document: modulemd\nversion: 1\ndata:\n  name: mill\n  stream: a\n  version: 1\n  dependencies:\n    buildrequires: {platform: f28}\n    requires: {platform: f28, race: b}\n').requires).toEqual([{ name: 'platform', stream: 'f28' }, { name: 'race', stream: 'b' }]);
  });

  it.each<[string, string, string]>([
    ['no YAML', 'document: modulemd\ndata: [', 'it '],
    ['something else', 'document: modulemd-defaults\nversion: 1\ndata:\n  module: mill\n', 'it is no modulemd document, but "modulemd-defaults"'],
    ['two documents', '---\ndocument: modulemd\n---\ndocument: modulemd\n', 'it has 2 documents'],
    ['nothing', '', 'it has 0 documents'],
    ['no data', 'document: modulemd\nversion: 2\ndata: text\n', 'it has no data'],
    ['aliases that multiply', `document: modulemd\ndata:\n  a: &a [x, x]\n${Array.from({ length: 20 }, (_, index) => `  b${index}: &b${index} [*a, *a]`).join('\n')}\n`, 'it anchors and aliases are not allowed'],
    ['brackets without end', `document: modulemd\ndata: ${'['.repeat(100_000)}`, 'it is nested deeper than 32'],
    ['more than anybody writes', `document: modulemd\ndata:\n  name: ${'x'.repeat(5_000_000)}\n`, 'it has more than 4194304 characters'],
    ['a million requirements', `document: modulemd\ndata:\n  dependencies:\n  - requires:\n${Array.from({ length: 1001 }, (_, index) => `      m${index}: ["1"]`).join('\n')}\n`, 'it requires more than 1000 modules'],
  ])('that is %s is refused, and quickly', (_, text, message) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'source-invalid', message: expect.stringContaining(`the modulemd cannot be used: ${message}`) }));
  });
});
