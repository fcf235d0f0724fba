import { createHash } from 'node:crypto';
import { buildTgz, type TarFile } from '../../__fixtures__/build-tar.js';

export const sampleManifest = `[package]
name = "Millrace_sample"
version = "1.0.0+build.1"
edition = "2021"
authors = ["Ada Lovelace <ada@example.test>", "Charles"]
description = "A sample."
license = "MIT/Apache-2.0"
repository = "https://example.test/sample"
[lib]
name = "millrace_sample"
path = "src/lib.rs"
`;

/** As `cargo package` makes it. */
export function buildCrate(files: readonly TarFile[] = [], manifest = sampleManifest): Buffer {
  return buildTgz([
    { name: 'Millrace_sample-1.0.0+build.1/Cargo.toml', content: manifest },
    { name: 'Millrace_sample-1.0.0+build.1/src/lib.rs', content: 'pub fn one() -> u8 { 1 }\n' },
    ...files,
  ]);
}

/** One line of an index file that declares this file. */
export function indexLine(crate: Buffer, more: Readonly<Record<string, unknown>> = {}): string {
  const cksum = createHash('sha256').update(crate).digest('hex');
  return `${JSON.stringify({ name: 'Millrace_sample', vers: '1.0.0+build.1', deps: [], cksum, features: {}, yanked: false, ...more })}\n`;
}
