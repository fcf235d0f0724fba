import { createHash } from 'node:crypto';
import { bufferSource } from '../../libs/haiku/byte-source.js';
import { sample } from '../../libs/haiku/__fixtures__/samples.js';
import type { PackageInfo } from '../../libs/haiku/package/package-info.js';
import { readPackage } from '../../libs/haiku/package/read-package.js';
import { formatVersion, parseVersion } from '../../libs/haiku/package/version.js';
import { packageEntry, readRepositoryFile, writeRepositoryFile, type ListedPackage, type RepositoryFile } from '../../libs/haiku/repository/repository-file.js';
import { indexProviders, resolvePackages } from '../../libs/haiku/resolution/resolve-packages.js';
import { parseRepositoryInfo } from '../../libs/haiku/repository/repository-info-text.js';
import { madeInfo } from '../../libs/testing/haiku/make-haiku-package.js';

/** Milliseconds of each round, and bytes of the file. `node dist/bench/haiku/measure-haiku-repository.js` */
interface HaikuMeasurement {
  readonly packages: number;
  readonly bytes: number;
  readonly write: readonly number[];
  readonly read: readonly number[];
  readonly resolve: readonly number[];
}

const info = parseRepositoryInfo('name Bench\nvendor "Example Farm"\nsummary "Made up"\nidentifier tag:farm.example,2026:bench\narchitecture x86_64\n');

function synthesize(count: number): RepositoryFile {
  return { info, packages: Array.from({ length: count }, (_, index) => listed(index)) };
}

function listed(index: number): ListedPackage {
  const name = `package_${index}`;
  const version = parseVersion(`${1 + (index % 9)}.${index % 23}.${index % 5}-${1 + (index % 3)}`);
  const needs = [index % 7, Math.floor(index / 2), Math.floor(index / 3)].filter((other) => other < index);
  const described: PackageInfo = {
    ...madeInfo({ name, version: formatVersion(version) }),
    summary: `Sample number ${index} of a measurement`,
    description: `What ${name} does in some ${'more '.repeat(20 + (index % 30))}words.`,
    copyrights: [`20${10 + (index % 16)} Somebody`],
    urls: [`https://projects.example/${name}`],
    provides: [name, `cmd:${name}`, `lib:lib${name}`].map((each) => ({ name: each, version, compatible: parseVersion('1') })),
    requires: needs.map((other) => ({ name: `lib:libpackage_${other}`, version: { operator: '>=', than: parseVersion('1') } })),
  };
  return { info: described, checksum: createHash('sha256').update(name).digest('hex') };
}

async function measure(count: number, rounds: number): Promise<HaikuMeasurement> {
  const repository = synthesize(count);
  const [write, read, resolve]: [number[], number[], number[]] = [[], [], []];
  let bytes = Buffer.alloc(0);
  const timed = async (into: number[], work: () => unknown): Promise<void> => {
    const start = performance.now();
    await work();
    into.push(Math.round(performance.now() - start));
  };
  for (let round = 0; round < rounds; round += 1) {
    await timed(write, async () => {
      bytes = Buffer.from(await writeRepositoryFile(repository.info, repository.packages.map(packageEntry)));
    });
    await timed(read, () => readRepositoryFile(bufferSource(bytes)));
    await timed(resolve, () => {
      const infoOf = (item: ListedPackage): PackageInfo => item.info;
      const { unresolved } = resolvePackages(repository.packages, indexProviders(repository.packages, infoOf), infoOf);
      if (unresolved.length > 0) throw new Error(`${unresolved.length} requirements are not met`);
    });
  }
  return { packages: count, bytes: bytes.length, write, read, resolve };
}

/** Packages a second: the head and the end of each heap, unpacked and checked. */
async function measurePackages(files: number): Promise<number> {
  const file = bufferSource(sample('foo-1.2.3-1-x86_64.hpkg'));
  const start = performance.now();
  for (let index = 0; index < files; index += 1) await readPackage(file);
  return Math.round((files * 1000) / (performance.now() - start));
}

console.log(JSON.stringify({ packagesRead: await measurePackages(2000) }));
for (const count of [1_000, 3_000, 10_000, 100_000]) console.log(JSON.stringify(await measure(count, 5)));
