import { createHash } from 'node:crypto';
import { MillraceError } from '../errors/millrace-error.js';
import type { ModuleBuild } from '../mbs/module-build.js';
import { isPlainPart, kojiBuildOf, moduleName, type ModuleId, type ModuleNeed } from '../mbs/module-name.js';
import { readModulemd } from '../mbs/modulemd.js';
import type { FindModules } from '../mbs/resolve-modules.js';
import type { RepositorySource, SourceOptions } from '../repository-source/repository-source.js';
import { findTag } from './koji-calls.js';
import type { KojiHub } from './koji-hub.js';
import { findModuleBuilds, moduleArchives, taggedModules, type ModuleArchiveRow, type ModuleBuildRow, type TaggedModuleRow } from './module-calls.js';
import { locationBelow } from './package-places.js';

/** A build of a module in Koji, with its documents. */
export interface KojiModule {
  readonly build: ModuleBuild;
  /** Architectures that it has a document for, as trees are named. */
  readonly arches: readonly string[];
  /** Its document for one of these. */
  document(arch: string, options: SourceOptions): Promise<string>;
}

/** Modules as a hub has them. Errors: those of `KojiHub` and `RepositorySource`; `unresolvable`. */
export interface KojiModules {
  /** What builds of these names there are, in their order; undefined: none that is complete. */
  builds(modules: readonly ModuleId[], options: SourceOptions): Promise<readonly (KojiModule | undefined)[]>;
  /** The modules in tags at an event: an earlier tag, and of each tag the nearer in its inheritance, has a stream alone. */
  inTags(tags: readonly string[], event: number, options: SourceOptions): Promise<TaggedModules>;
}

export interface TaggedModules {
  readonly find: FindModules;
  /** All contexts of the newest version of every stream. */
  all(): Promise<readonly ModuleBuild[]>;
}

const complete = 1;
const checksums: Readonly<Record<number, string>> = { 0: 'md5', 1: 'sha1', 2: 'sha256' };
const largestDocument = 8 * 1024 ** 2;
const documentFile = /^modulemd\.([A-Za-z0-9_]{1,40})\.txt$/;

export function createKojiModules({ hub, top, source }: { readonly hub: KojiHub; readonly top: string; readonly source: Pick<RepositorySource, 'open'> }): KojiModules {
  async function readDocument(row: ModuleBuildRow, { filename, checksum, checksum_type: type }: ModuleArchiveRow, { signal }: SourceOptions): Promise<string> {
    const volume = row.volume_name === undefined || row.volume_name === null || row.volume_name === 'DEFAULT' ? '' : `vol/${row.volume_name}/`;
    const location = locationBelow(top, `${volume}packages/${row.package_name}/${row.version}/${row.release}/files/module/${filename}`);
    const chunks: Buffer[] = [];
    for await (const chunk of source.open(location, { signal, limit: largestDocument })) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const algorithm = checksums[type];
    if (algorithm === undefined || createHash(algorithm).update(bytes).digest('hex') !== checksum.toLowerCase()) {
      throw new MillraceError('source-changed', `${location} is not the file that Koji has: it does not have the digest of the hub's record`, { suggestion: 'Have an administrator of Koji compare the file with the database.' });
    }
    return bytes.toString('utf8');
  }

  function readBuild(row: ModuleBuildRow): ModuleBuild {
    const what = `${row.package_name}-${row.version}-${row.release}`;
    const info = row.extra?.typeinfo?.module;
    if (info === null || info === undefined) throw new MillraceError('unresolvable', `the build ${what} of the Koji hub ${hub.url} is no module`);
    const { name, stream, version, context } = info;
    if (![name, stream, context].every(isPlainPart) || !/^\d{1,20}$/.test(version)) throw new MillraceError('source-invalid', `the Koji hub ${hub.url} has a module in the build ${what} whose name no module can have`);
    const { requires } = readModulemd(info.modulemd_str, `the modulemd of the build ${what} of the Koji hub ${hub.url}`);
    return { name, stream, version, context, requires, builtFor: [], tag: info.content_koji_tag, scratch: false };
  }

  async function byNumbers(rows: readonly TaggedModuleRow[], signal: AbortSignal): Promise<readonly ModuleBuild[]> {
    const found = await findModuleBuilds(hub, rows.map(({ id }) => id), signal);
    return found.flatMap((row) => (row === undefined || row.state !== complete ? [] : [readBuild(row)]));
  }

  return {
    async builds(modules, options) {
      const rows = await findModuleBuilds(hub, modules.map(kojiBuildOf), options.signal);
      const there = rows.filter((row): row is ModuleBuildRow => row !== undefined && row.state === complete);
      const archives = await moduleArchives(hub, there.map(({ id }) => id), options.signal);
      const known = new Map(there.map((row, index) => [row.id, asModule(row, archives[index] ?? [])]));
      return rows.map((row) => (row === undefined ? undefined : known.get(row.id)));

      function asModule(row: ModuleBuildRow, files: readonly ModuleArchiveRow[]): KojiModule {
        const byArch = new Map(files.flatMap((file) => { const arch = documentFile.exec(file.filename)?.[1]; return arch === undefined ? [] : [[arch, file] as const]; }));
        const build = readBuild(row);
        return {
          build,
          arches: [...byArch.keys()],
          document(arch, how) {
            const file = byArch.get(arch);
            if (file === undefined) throw new MillraceError('internal', `${moduleName(build)} has no document for ${arch}`);
            return readDocument(row, file, how);
          },
        };
      }
    },
    async inTags(tags, event, { signal }) {
      const rows = newestOf(ofNearestTag(await Promise.all(tags.map((tag) => readTag(tag, event, signal)))));
      return {
        all: () => byNumbers(rows.newest, signal),
        async find(need) {
          const matching = rows.all.filter((row) => isNeeded(row, need));
          const found = (await byNumbers(newestOf(matching).newest, signal)).filter(({ stream }) => stream === need.stream);
          if (found.length > 0 || need.version === undefined || need.context === undefined) return found;
          // What is wholly named need not be in a tag.
          const [row] = await findModuleBuilds(hub, [kojiBuildOf(need as ModuleId)], signal);
          return row === undefined || row.state !== complete ? [] : [readBuild(row)];
        },
      };
    },
  };

  async function readTag(name: string, event: number, signal: AbortSignal): Promise<readonly TaggedModuleRow[]> {
    const tag = await findTag(hub, name, event, signal);
    if (tag === undefined) throw new MillraceError('unresolvable', `the Koji hub ${hub.url} has no tag ${JSON.stringify(name)} at event ${event}`, { suggestion: 'Correct modular_koji_tags, or leave koji_event out.' });
    return taggedModules(hub, tag, event, signal);
  }
}

function isNeeded(row: TaggedModuleRow, { name, stream, version, context }: ModuleNeed): boolean {
  const parts = releaseOf(row);
  return row.package_name === name && row.version === stream.replaceAll('-', '_') && (version ?? parts?.version) === parts?.version && (context ?? parts?.context) === parts?.context;
}

/** Of each stream those of one tag: the first that has any. */
function ofNearestTag(tags: readonly (readonly TaggedModuleRow[])[]): readonly TaggedModuleRow[] {
  const owners = new Map<string, string>();
  const rows = new Map<number, TaggedModuleRow>();
  for (const [index, list] of tags.entries()) {
    for (const row of list) {
      const [stream, owner] = [`${row.package_name}:${row.version}`, `${index}:${row.tag_id}`];
      if (!owners.has(stream)) owners.set(stream, owner);
      if (owners.get(stream) === owner && releaseOf(row) !== undefined) rows.set(row.id, row);
    }
  }
  return [...rows.values()];
}

function newestOf(rows: readonly TaggedModuleRow[]): { readonly all: readonly TaggedModuleRow[]; readonly newest: readonly TaggedModuleRow[] } {
  const versions = new Map<string, bigint>();
  const versionOf = (row: TaggedModuleRow): bigint => BigInt(releaseOf(row)?.version ?? 0);
  const streamOf = (row: TaggedModuleRow): string => `${row.package_name}:${row.version}`;
  for (const row of rows) if (versionOf(row) > (versions.get(streamOf(row)) ?? -1n)) versions.set(streamOf(row), versionOf(row));
  return { all: rows, newest: rows.filter((row) => versions.get(streamOf(row)) === versionOf(row)) };
}

/** `version.context`; undefined: of a build that no module build service made. */
function releaseOf({ release }: TaggedModuleRow): { readonly version: string; readonly context: string } | undefined {
  const parts = /^(\d{1,20})\.(.+)$/.exec(release);
  return parts === null ? undefined : { version: parts[1] as string, context: parts[2] as string };
}
