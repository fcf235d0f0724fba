import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compressions, samplePackage } from '../../rpm/__fixtures__/sample-package.js';

export interface SampleRepository extends Disposable {
  readonly directory: string;
  /** Path below `repodata` of the file with this end. */
  metadata(end: string): string;
  /** Runs createrepo_c again. */
  make(...options: readonly string[]): void;
}

export const comps = '<?xml version="1.0" encoding="UTF-8"?>\n<comps><group><id>core</id><packagelist><packagereq type="mandatory">millrace-sample</packagereq></packagelist></group></comps>\n';
export const modules = '---\ndocument: modulemd\nversion: 2\ndata:\n  name: sample\n  stream: "1"\n...\n';

/** A repository that createrepo_c makes of packages that rpmbuild made: `Packages/millrace-sample-<compression>.rpm`. */
export function sampleRepository(...options: readonly string[]): SampleRepository {
  const directory = mkdtempSync(path.join(tmpdir(), 'millrace-repository-'));
  mkdirSync(path.join(directory, 'Packages'));
  for (const compression of compressions) writeFileSync(path.join(directory, 'Packages', `millrace-sample-${compression}.rpm`), samplePackage(compression));
  const make = (...more: readonly string[]): void => {
    execFileSync('createrepo_c', ['--quiet', '--no-database', '--revision', '7', ...more, directory]);
  };
  make(...options);
  return {
    directory,
    metadata: (end) => `repodata/${readdirSync(path.join(directory, 'repodata')).find((name) => name.endsWith(end)) ?? `none ends with ${end}`}`,
    make,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Adds comps and modules, as distributions have them. */
export function addDocuments(repository: SampleRepository): void {
  const repodata = path.join(repository.directory, 'repodata');
  for (const [type, text] of [['group', comps], ['modules', modules]] as const) {
    const file = path.join(repository.directory, type);
    writeFileSync(file, text);
    execFileSync('modifyrepo_c', [`--mdtype=${type}`, file, repodata], { stdio: 'ignore' });
    rmSync(file);
  }
}

export function packageBytes(repository: SampleRepository, compression: (typeof compressions)[number]): Buffer {
  return readFileSync(path.join(repository.directory, 'Packages', `millrace-sample-${compression}.rpm`));
}
