import { describe, expect, it } from '@jest/globals';
import { createInspectedBody } from '../../inspection/inspected-body.js';
import type { InspectedBody } from '../../inspection/inspector.js';
import { createContext, createRequest } from '../__fixtures__/exchange.js';
import { readXml, textAt } from './bounded-xml.js';
import { checkFileDigests, checkSidecar } from './file-digests.js';
import { endsInGroup, parseArtefactPath, parseSidecarPath } from './repository-path.js';

function bodyOf(text: string): InspectedBody {
  const bytes = Buffer.from(text, 'latin1');
  return createInspectedBody({ bytes, digests: { sha1: '', sha256: '', size: bytes.length }, contentEncoding: '' });
}

describe('readXml', () => {
  it('reads an old POM with Latin-1 letters and their entities', async () => {
    const pom = await readXml(bodyOf('\n<?xml version="1.0" encoding="ISO-8859-1"?><project><name> S\xf8r&oslash; </name></project>'), createContext());
    expect(textAt(pom, 'name')).toBe('S\u00f8r\u00f8');
  });

  it.each([
    ['a bomb of entities', '<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>', 'document type declaration'],
    ['an unknown entity', '<a>&file;</a>', 'not well-formed'],
    ['deep nesting', '<a>'.repeat(100), 'nested deeper'],
    ['a cut', '<a><b></b>', 'not well-formed'],
  ])('refuses %s', async (_case, text, reason) => {
    await expect(readXml(bodyOf(text), createContext())).rejects.toThrow(reason);
  });
});

describe('parseArtefactPath', () => {
  it.each([
    ['/m/org/example/lib/1.0/lib-1.0-sources.jar', '-sources.jar'],
    ['/m/org/example/lib/1.0-SNAPSHOT/lib-1.0-20260101.010203-4.pom', '.pom'],
  ])('reads %s', (path, tail) => {
    const parsed = parseArtefactPath(path);
    expect(parsed).toMatchObject({ artifact: 'lib', tail });
    expect(endsInGroup(parsed?.parents ?? [], 'org.example')).toBe(true);
    expect(endsInGroup(parsed?.parents ?? [], 'com.example')).toBe(false);
  });

  it.each(['/org/lib/1.0/other-1.0.jar', '/org/lib/1.0/lib-2.0.jar', '/org/%2e%2e/lib/1.0/lib-1.0.jar', '/lib/1.0/lib-1.0.jar'])('passes over %s', (path) => {
    expect(parseArtefactPath(path)).toBeUndefined();
  });
});

describe('checkFileDigests', () => {
  const path = '/m/org/example/lib/1.0/lib-1.0.jar';
  const request = createRequest(`http://repository.example${path}`);
  const right = 'aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d';
  const answer = (headers: Readonly<Record<string, string>>) => ({ status: 200, header: (name: string) => headers[name] });
  const sidecar = (digest: string) => ({ origin: request.origin, subject: parseSidecarPath(`${path}.sha1`)?.subject ?? '', algorithm: 'sha1' as const, digest });

  it('compares header fields', async () => {
    await expect(checkFileDigests(request, answer({ 'x-checksum-sha1': right }), bodyOf('hello'), createContext())).resolves.toEqual(['sha1']);
    await expect(checkFileDigests(request, answer({ 'x-checksum-sha1': right }), bodyOf('jello'), createContext())).rejects.toThrow('answer declares');
  });

  it('compares a sidecar whichever comes first', async () => {
    const context = createContext();
    expect(await checkSidecar(sidecar(right), context)).toBeUndefined();
    await expect(checkFileDigests(request, answer({}), bodyOf('jello'), context)).rejects.toThrow('came before it');
    await checkFileDigests(request, answer({}), bodyOf('hello'), context);
    expect(await checkSidecar(sidecar(right), context)).toBe(true);
    expect(await checkSidecar(sidecar('0'.repeat(40)), context)).toBe(false);
  });
});
