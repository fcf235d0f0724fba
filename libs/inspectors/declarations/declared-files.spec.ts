import { describe, expect, it } from '@jest/globals';
import { createMemorySessionKnowledge, knowledgeValueLimit } from '../../testing/memory-session-knowledge.js';
import { findDeclarations, rememberDeclaredFiles } from './declared-files.js';
import { normalisePath, parseDeclaredUrl } from './declared-url.js';

const key = { family: 'npm', origin: 'https://a:443', name: 'left-pad' };

describe('rememberDeclaredFiles', () => {
  it('keeps what several indexes say at the same time, each in its newest form', async () => {
    const knowledge = createMemorySessionKnowledge();
    await rememberDeclaredFiles(knowledge, key, { index: 'one', files: new Map([['/x', ['old']]]) });
    await Promise.all(['one', 'two'].map((index) => rememberDeclaredFiles(knowledge, key, { index, files: new Map([['/x', [index]]]) })));
    const found = await findDeclarations(knowledge, key, '/x');
    expect(found.map(({ declaration }) => declaration[0]).sort()).toEqual(['one', 'two']);
    expect(await findDeclarations(knowledge, { ...key, origin: 'https://b:443' }, '/x')).toEqual([]);
    expect(await findDeclarations(knowledge, key, 'constructor')).toEqual([]);
  });

  it('stays within one value, keeping the files named last', async () => {
    const knowledge = createMemorySessionKnowledge();
    const files = new Map(Array.from({ length: 60_000 }, (_, index): [string, string[]] => [`/${index}`, ['d'.repeat(100)]]));
    for (const index of ['one', 'two']) expect(await rememberDeclaredFiles(knowledge, key, { index, files })).toBeLessThan(60_000);
    expect(await findDeclarations(knowledge, key, '/59999')).not.toEqual([]);
    expect(await findDeclarations(knowledge, key, '/0')).toEqual([]);
    expect(Buffer.byteLength((await knowledge.get('npm/files/https://a:443/left-pad')) ?? '')).toBeLessThanOrEqual(knowledgeValueLimit);
  });
});

describe('parseDeclaredUrl', () => {
  it.each([
    ['https://h/a%2fb', 'https://h:443', '/a/b'],
    ['http://h:80/a?b#c', 'http://h', '/a?b'],
    ['../x', 'https://base:443', '/x'],
    ['https://h:8443/%c3%a9', 'https://h:8443', '/%C3%A9'],
  ])('reads %s', (text, origin, path) => expect(parseDeclaredUrl(text, 'https://base/simple/')).toEqual({ origin, path }));
  it.each(['file:///x', 'javascript:0', 'https://', `https://h/${'x'.repeat(9000)}`])('refuses %s', (text) => expect(parseDeclaredUrl(text)).toBeUndefined());
  it('has one form for what clients escape differently', () => expect(normalisePath('/%40s%2Fn%2e%7e%20')).toBe('/@s/n.~%20'));
});
