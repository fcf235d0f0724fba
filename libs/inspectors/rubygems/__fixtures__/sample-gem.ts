import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildTar, type TarFile } from '../../__fixtures__/build-tar.js';

/** Files made with `gem build`, `gem generate_index` and `Marshal.dump`. */
export function rubyFile(name: string): Buffer {
  return readFileSync(path.join(import.meta.dirname, name));
}

export const sampleMetadata = `--- !ruby/object:Gem::Specification
name: millrace-sample
version: !ruby/object:Gem::Version
  version: 1.0.0
platform: ruby
authors:
- Ada Lovelace
date: 2026-01-01 00:00:00.000000000 Z
dependencies:
- !ruby/object:Gem::Dependency
  name: other
  requirement: &id001 !ruby/object:Gem::Requirement
    requirements:
    - - ">="
      - !ruby/object:Gem::Version
        version: '0'
  version_requirements: *id001
email: ada@example.test
homepage: https://example.test/sample
licenses:
- MIT
summary: A sample.
`;

export interface GemParts {
  readonly metadata?: string | Buffer;
  readonly files?: readonly TarFile[];
  readonly members?: readonly TarFile[];
  /** In place of the honest one; null leaves it out. */
  readonly checksums?: string | null;
}

/** A gem byte by byte, hostile ones included. */
export function buildGem({ metadata = sampleMetadata, files = [{ name: 'lib/sample.rb', content: 'module Sample; end\n' }], members = [], checksums }: GemParts = {}): Buffer {
  const packed = gzipSync(metadata);
  const data = gzipSync(buildTar(files));
  const sums = `---\nSHA256:\n  metadata.gz: ${sha256(packed)}\n  data.tar.gz: ${sha256(data)}\n`;
  return buildTar([
    { name: 'metadata.gz', content: packed },
    { name: 'data.tar.gz', content: data },
    ...(checksums === null ? [] : [{ name: 'checksums.yaml.gz', content: gzipSync(checksums ?? sums) }]),
    ...members,
  ]);
}

/** An info file of the compact index with one release. */
export function infoFile(gem: Buffer, release = '1.0.0'): string {
  return `---\n0.9.0 |checksum:${'0'.repeat(64)}\n${release} other:>= 0&< 2,more:~> 1.0|checksum:${sha256(gem)},ruby:>= 2.5\n`;
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
