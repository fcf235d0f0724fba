import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildPackage, sha256, type Tags } from '../../libs/rpm/__fixtures__/build-package.js';
import { signatureTag, tag } from '../../libs/rpm/package/tags.js';
import { sampleText } from '../inspection/inspected-format.js';

export interface MadePackage {
  readonly sha256: string;
  /** Relative to the repository. */
  readonly href: string;
  /** What it was made of. */
  readonly index: number;
}

/** Numbers that differ from package to package, the same each time. */
function createNumbers(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Writes packages, and answers them in the order of their places. Payloads have `payloadBytes`, and nothing unpacks them. */
export function makePackages(directory: string, { count, payloadBytes }: { readonly count: number; readonly payloadBytes: number }): readonly MadePackage[] {
  const payload = sampleText(payloadBytes);
  return Array.from({ length: count }, (_, index) => writePackage(directory, { index, payload, release: 1 })).sort((one, other) => (one.href < other.href ? -1 : 1));
}

/**
 * Writes one package, like a distribution's in what metadata says of it: 5 to 120 files, 3 to 40 dependencies, a changelog of up to 30 entries. Another release
 * has the same place and another digest.
 */
export function writePackage(directory: string, { index, payload, release }: { readonly index: number; readonly payload: Buffer; readonly release: number }): MadePackage {
  const name = packageName(index);
  const bytes = buildPackage({ tags: tagsOf(index, { name, release }), payload, signatureTags: signatureOf });
  const href = `Packages/${name.slice(0, 1)}/${name}-1.${index % 10}.noarch.rpm`;
  const file = path.join(directory, href);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return { sha256: sha256(bytes), href, index };
}

function packageName(index: number): string {
  return `${'abcdefghijklmnopqrstuvwxyz'[(index * 7) % 26] ?? 'a'}library-${index}`;
}

function signatureOf(header: Buffer, payload: Buffer): Tags {
  return [
    [signatureTag.sha256Header, sha256(header)],
    [signatureTag.size, [header.length + payload.length]],
    [signatureTag.payloadSize, [payload.length]],
  ];
}

function tagsOf(index: number, { name, release }: { readonly name: string; readonly release: number }): Tags {
  const number = createNumbers(index + 1);
  const files = Array.from({ length: 5 + number(115) }, (_, file) => `${['core', 'plugins', 'data', 'locale'][number(4)] ?? ''}-module-${file}-${number(10_000)}.so`);
  const needed = Array.from({ length: 3 + number(37) }, (_, dependency) => `${packageName(number(10_000))}${dependency % 5 === 0 ? '(x86-64)' : ''}`);
  const provided = [name, ...Array.from({ length: 1 + number(12) }, (_, capability) => `lib${name}.so.${capability}()(64bit)`)];
  const entries = Array.from({ length: 1 + number(30) }, (_, entry) => entry);
  return [
    [tag.name, name],
    [tag.version, `1.${index % 10}`],
    [tag.release, String(release)],
    [tag.summary, ['The library number ' + String(index)]],
    [tag.description, [sampleText(200 + number(800), index + 1).toString()]],
    [tag.buildTime, [1_700_000_000 + index]],
    [tag.buildHost, 'build.example.test'],
    [tag.size, [number(10_000_000)]],
    [tag.vendor, 'Millrace'],
    [tag.license, 'MIT AND Apache-2.0'],
    [tag.packager, 'Ada <ada@example.test>'],
    [tag.group, ['Unspecified']],
    [tag.url, `https://example.test/${name}`],
    [tag.sourceRpm, `${name}-1.${index % 10}-${release}.src.rpm`],
    [tag.fileSizes, files.map(() => number(1_000_000))],
    [tag.fileModes, Uint16Array.from(files, () => 0o100644)],
    [tag.fileDigests, files.map((file) => sha256(Buffer.from(file)))],
    [tag.fileLinks, files.map(() => '')],
    [tag.fileFlags, files.map(() => 0)],
    [tag.baseNames, files],
    [tag.directoryNames, [`/usr/lib64/${name}/`, `/usr/share/${name}/`, '/usr/bin/']],
    [tag.directoryIndexes, files.map((_, file) => (file === 0 ? 2 : file % 2))],
    [tag.requireName, needed],
    [tag.requireFlags, needed.map((_, dependency) => (dependency % 3 === 0 ? 12 : 0))],
    [tag.requireVersion, needed.map((_, dependency) => (dependency % 3 === 0 ? '1.2-3' : ''))],
    [tag.provideName, provided],
    [tag.provideFlags, provided.map((_, capability) => (capability === 0 ? 8 : 0))],
    [tag.provideVersion, provided.map((_, capability) => (capability === 0 ? `1.${index % 10}-${release}` : ''))],
    [tag.changelogTime, entries.map((entry) => 1_700_000_000 - entry * 86_400)],
    [tag.changelogName, entries.map((entry) => `Ada <ada@example.test> - 1.${index % 10}-${entries.length - entry}`)],
    [tag.changelogText, entries.map((entry) => `- ${sampleText(40 + number(200), entry + index + 1).toString()}`)],
  ];
}
