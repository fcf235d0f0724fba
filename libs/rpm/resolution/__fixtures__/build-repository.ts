import { execFileSync } from 'node:child_process';
import { createReadStream, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createGunzip } from 'node:zlib';
import { dependencyKinds } from '../../dependency.js';
import { readPrimary } from '../../metadata/primary.js';
import type { AvailablePackage } from '../../repository/available-package.js';
import type { Parts } from './available.js';

/** Names, versions and dependencies of packages, as `available()` takes them. */
export type Recipes = Readonly<Record<string, Parts>>;

/** Builds real packages, all `noarch`, with rpmbuild, into `<folder>/packages`. Versions of one name, and what has a `source`, are of source packages of their own. Answers paths by label. */
export function buildPackages(folder: string, recipes: Recipes): ReadonlyMap<string, string> {
  const [specs, output] = [path.join(folder, 'specs'), path.join(folder, 'packages')];
  for (const directory of [specs, output]) mkdirSync(directory, { recursive: true });
  const files = [...groupBySource(recipes)].map(([source, members]) => {
    const file = path.join(specs, `${source}.spec`);
    writeFileSync(file, specOf(source, members));
    return file;
  });
  const plain = ['-D', '_binary_payload w0.ufdio', '-D', '__os_install_post %{nil}', '-D', '_build_id_links none'];
  const macros = ['-D', `_topdir ${folder}/build`, '-D', `_rpmdir ${output}`, '-D', '_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm', ...plain];
  execFileSync('rpmbuild', ['-bb', '--quiet', ...macros, ...files], { stdio: 'pipe' });
  return new Map(Object.keys(recipes).map((label) => [label, path.join(output, `${label.replace(/-\d+:/, '-')}.rpm`)]));
}

/** Writes metadata for the packages of a folder with createrepo_c, and reads it. */
export async function readRepository(folder: string, repository: number): Promise<readonly AvailablePackage[]> {
  execFileSync('createrepo_c', ['--quiet', '--compress-type=gz', '--general-compress-type=gz', folder], { stdio: 'pipe' });
  const repodata = path.join(folder, 'repodata');
  const primary = readdirSync(repodata).find((name) => name.endsWith('primary.xml.gz')) as string;
  const packages: AvailablePackage[] = [];
  for await (const listed of readPrimary(createReadStream(path.join(repodata, primary)).pipe(createGunzip()))) {
    packages.push({ ...listed, repository, location: path.join(folder, listed.href), size: listed.size ?? 0, fileTime: listed.fileTime ?? 0, files: listed.files.map((file) => file.path) });
  }
  return packages;
}

interface Member extends Parts {
  readonly name: string;
  readonly epoch: string | undefined;
  readonly version: string;
  readonly release: string;
}

function groupBySource(recipes: Recipes): ReadonlyMap<string, readonly Member[]> {
  const groups = new Map<string, Member[]>();
  for (const [label, parts] of Object.entries(recipes)) {
    const [, name = '', epoch, version = '', release = ''] = /^(.+)-(?:(\d+):)?([^-]+)-([^-]+)\.noarch$/.exec(label) ?? [];
    const earlier = [...groups.values()].flat().filter((member) => member.name === name).length;
    const source = parts.source ?? `source${earlier}`;
    groups.set(source, [...(groups.get(source) ?? []), { ...parts, name, epoch, version, release }]);
  }
  return groups;
}

function specOf(source: string, members: readonly Member[]): string {
  const common = ['Summary: Built for a test', 'License: MIT'];
  const sections = members.map(({ name, epoch, version, release, files = [], ...parts }) => {
    const dependencies = dependencyKinds.flatMap((kind) => (parts[kind] ?? []).map((text) => `${kind[0]?.toUpperCase()}${kind.slice(1)}: ${text}`));
    const head = [`%package -n ${name}`, 'Summary: Built for a test', ...(epoch === undefined ? [] : [`Epoch: ${epoch}`]), `Version: ${version}`, `Release: ${release}`, 'AutoReqProv: no'];
    return [...head, ...dependencies, `%description -n ${name}`, 'Built for a test.', `%files -n ${name}`, ...files];
  });
  const install = members.flatMap(({ files = [] }) => files).map((file) => `mkdir -p %{buildroot}${path.posix.dirname(file)}; echo 1 > %{buildroot}${file}`);
  return [`Name: ${source}`, 'Version: 1', 'Release: 1', ...common, 'BuildArch: noarch', '%description', 'Built for a test.', ...sections.flat(), '%install', 'mkdir -p %{buildroot}', ...install, ''].join('\n');
}
