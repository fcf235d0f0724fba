import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync, chmodSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWith } from '../testing/describe-with.js';
import { archiveHeader, archiveHeaderSize, checksumHeader, readArchiveHeader } from './file-object.js';
import { metadataChecksum, readCommit, readDirmeta, readDirtree, writeCommit, writeDirmeta, writeDirtree } from './metadata-objects.js';
import { objectPath, parseObjectName, type ObjectName } from './object-name.js';
import { readSummary, writeSummary } from './summary.js';

describeWith('ostree', 'objects of OSTree', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'millrace-ostree-'));
  const repository = path.join(directory, 'repo');
  const ostree = (...args: readonly string[]): string => execFileSync('ostree', [`--repo=${repository}`, ...args], { encoding: 'utf8' }).trim();
  const bytesOf = (name: ObjectName): Buffer => readFileSync(path.join(repository, objectPath(name)));
  let commit = '';

  /** All objects of the repository, as the real tool wrote them. */
  function objects(): (ObjectName & { readonly bytes: Buffer })[] {
    return readdirSync(path.join(repository, 'objects'), { recursive: true, encoding: 'utf8' })
      .filter((each) => each.includes('.'))
      .map((each) => parseObjectName(each.replace('/', '')))
      .map((name) => ({ ...name, bytes: bytesOf(name) }));
  }

  beforeAll(() => {
    const tree = path.join(directory, 'tree');
    mkdirSync(path.join(tree, 'usr/bin'), { recursive: true });
    mkdirSync(path.join(tree, 'empty'));
    writeFileSync(path.join(tree, 'usr/bin/tool'), '#!/bin/sh\n');
    chmodSync(path.join(tree, 'usr/bin/tool'), 0o755);
    symlinkSync('tool', path.join(tree, 'usr/bin/other'));
    writeFileSync(path.join(tree, 'nothing'), '');
    writeFileSync(path.join(tree, 'large'), Buffer.alloc(300_000, 'abcdefg'));
    for (let index = 0; index < 600; index += 1) writeFileSync(path.join(tree, `Datei-ä${index}`), String(index % 7));
    mkdirSync(repository);
    ostree('init', '--mode=archive-z2');
    commit = ostree('commit', '-b', 'project/element/key', '-s', 'a subject', '-m', 'a body', `--tree=dir=${tree}`, '--owner-uid=0', '--owner-gid=0', '--timestamp=2026-11-21 12:00:00 +0000', '--add-metadata-string=who=ours');
    ostree('commit', '-b', 'other', '-s', 'again', `--tree=ref=project/element/key`, `--parent=${commit}`);
    ostree('summary', '-u');
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('are named by the digest of what is read of them, and written again byte for byte', () => {
    const seen = { commit: 0, dirtree: 0, dirmeta: 0, file: 0 };
    for (const { type, checksum, bytes } of objects()) {
      seen[type] += 1;
      if (type === 'file') {
        const size = archiveHeaderSize(bytes);
        const { header, size: contentSize } = readArchiveHeader(bytes.subarray(0, size));
        const content = header.target === '' ? inflateRawSync(bytes.subarray(size)) : Buffer.alloc(0);
        expect(archiveHeader(header, contentSize)).toEqual(bytes.subarray(0, size));
        expect(BigInt(content.length)).toBe(contentSize);
        expect(createHash('sha256').update(checksumHeader(header)).update(content).digest('hex')).toBe(checksum);
        continue;
      }
      expect(metadataChecksum(bytes)).toBe(checksum);
      const again = { commit: () => writeCommit(readCommit(bytes)), dirtree: () => writeDirtree(readDirtree(bytes)), dirmeta: () => writeDirmeta(readDirmeta(bytes)) }[type]();
      expect(again.equals(bytes)).toBe(true);
    }
    expect(seen).toMatchObject({ commit: 2, dirmeta: 1, dirtree: 4 });
    expect(seen.file).toBeGreaterThan(9);
  });

  it('say what the tool was told', () => {
    const first = readCommit(bytesOf({ checksum: commit, type: 'commit' }));
    expect(first).toMatchObject({ parent: undefined, subject: 'a subject', body: 'a body', timestamp: 1_795_262_400n });
    expect(first.metadata).toContainEqual(['who', { signature: 's', value: 'ours' }]);
    const root = readDirtree(bytesOf({ checksum: first.dirtree, type: 'dirtree' }));
    expect(root.directories.map(({ name }) => name)).toEqual(['empty', 'usr']);
    expect(root.files).toHaveLength(602);
    expect(readCommit(bytesOf({ checksum: ostree('rev-parse', 'other'), type: 'commit' })).parent).toBe(commit);
  });

  it('are listed in a summary that the tool reads as its own', () => {
    const theirs = readSummary(readFileSync(path.join(repository, 'summary')));
    expect(theirs.refs.map(({ name }) => name)).toEqual(['other', 'project/element/key']);
    expect(theirs.refs[1]).toMatchObject({ commit, timestamp: 1_795_262_400n, size: BigInt(bytesOf({ checksum: commit, type: 'commit' }).length) });
    writeFileSync(path.join(repository, 'summary'), writeSummary(theirs));
    expect(ostree('summary', '-v')).toContain(commit);
    expect(readSummary(writeSummary(theirs))).toEqual(theirs);
  });
});
