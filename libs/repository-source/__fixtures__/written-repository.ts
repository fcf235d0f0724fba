import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { sampleMetadata } from '../../rpm/__fixtures__/sample-package.js';

export interface WrittenFile {
  readonly type: string;
  /** Unpacked. */
  readonly text: string | Buffer;
  readonly pack?: 'gzip' | 'zstd' | 'none';
  /** In place of `repodata/<type>.xml`. */
  readonly href?: string;
  readonly base?: string;
  /** In place of what fits. */
  readonly sha256?: string;
  readonly openSha256?: string;
  readonly size?: number;
  readonly packed?: Buffer;
}

export interface WrittenRepository extends Disposable {
  readonly directory: string;
  readonly repomdSha256: string;
}

const packs = { gzip: gzipSync, zstd: zstdCompressSync, none: (text: Buffer): Buffer => text };

/** A repository whose metadata say whatever a spec wants, with digests that fit unless told otherwise. */
export function writeRepository(files: readonly WrittenFile[], options: { readonly directory?: string; readonly revision?: string } = {}): WrittenRepository {
  const directory = options.directory ?? mkdtempSync(path.join(tmpdir(), 'millrace-written-'));
  mkdirSync(path.join(directory, 'repodata'), { recursive: true });
  const data = files.map((file) => {
    const text = Buffer.from(file.text);
    const packed = file.packed ?? packs[file.pack ?? 'gzip'](text);
    writeFileSync(path.join(directory, 'repodata', `${file.type}.xml`), packed);
    const base = file.base === undefined ? '' : ` xml:base="${file.base}"`;
    return `<data type="${file.type}"><checksum type="sha256">${file.sha256 ?? sha256Of(packed)}</checksum><open-checksum type="sha256">${file.openSha256 ?? sha256Of(text)}</open-checksum><location href="${file.href ?? `repodata/${file.type}.xml`}"${base}/><size>${file.size ?? packed.length}</size></data>`;
  });
  const repomd = `<?xml version="1.0" encoding="UTF-8"?>\n<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>${options.revision ?? '1'}</revision>${data.join('')}</repomd>`;
  writeFileSync(path.join(directory, 'repodata/repomd.xml'), repomd);
  return { directory, repomdSha256: sha256Of(Buffer.from(repomd)), [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

/** What createrepo_c wrote of one package, unpacked. */
export function samplePrimary(): string {
  return gunzipSync(sampleMetadata('primary.xml.gz').bytes).toString();
}

export function sampleFilelists(): string {
  return gunzipSync(sampleMetadata('filelists.xml.gz').bytes).toString();
}

/** Metadata with so many packages, all of them like the sample. */
export function manyPackages(document: string, count: number): string {
  const [start, end] = [document.indexOf('<package '), document.lastIndexOf('</package>') + '</package>'.length];
  const one = document.slice(start, end);
  const each = Array.from({ length: count }, (_, index) => one.replaceAll('millrace-sample', `sample-${index}`).replaceAll(/[0-9a-f]{64}/g, sha256Of(Buffer.from(`${index}`))));
  return `${document.slice(0, start).replace(/packages="\d+"/, `packages="${count}"`)}${each.join('\n')}${document.slice(end)}`;
}

export function readRepomdText(repository: { readonly directory: string }): string {
  return readFileSync(path.join(repository.directory, 'repodata/repomd.xml'), 'utf8');
}

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
