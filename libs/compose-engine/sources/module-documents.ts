import { MillraceError } from '../../errors/millrace-error.js';
import type { KojiModules } from '../../koji/koji-modules.js';
import type { ModuleContent } from '../../koji/module-contents.js';
import type { ModuleBuildService } from '../../mbs/module-build-service.js';
import type { ModuleBuild } from '../../mbs/module-build.js';
import { kojiBuildOf, moduleName } from '../../mbs/module-name.js';
import { readModulemd, type Modulemd } from '../../mbs/modulemd.js';
import type { SourceOptions } from '../../repository-source/repository-source.js';
import { treeArchitectures } from '../../rpm/resolution/architectures.js';
import { forEachAtOnce } from '../for-each-at-once.js';

export interface ModuleSources {
  readonly koji: KojiModules;
  /** Undefined: none is configured. */
  readonly service: ModuleBuildService | undefined;
}

export interface ModuleDocuments {
  readonly content: ModuleContent;
  /** YAML, one for each architecture that the module is there for. */
  readonly texts: readonly string[];
}

/** Where the documents of one build come from. */
interface DocumentSource {
  readonly tag: string;
  readonly arches: readonly string[];
  read(arch: string): Promise<string>;
}

type ReadOptions = SourceOptions & { readonly arches: readonly string[] };

const documentsAtOnce = 8;
/** Characters of all documents of a compose: they are one file of its repositories. */
const mostText = 128 * 1024 ** 2;

/** The metadata of builds for architectures, in the builds' order. Errors: `unresolvable` for a build that is there for none of them, or has no metadata anywhere. */
export async function readModuleDocuments(sources: ModuleSources, builds: readonly ModuleBuild[], options: ReadOptions): Promise<readonly ModuleDocuments[]> {
  const inKoji = builds.filter(({ scratch }) => !scratch);
  const found = await sources.koji.builds(inKoji, options);
  const modules = new Map(inKoji.map((build, index) => [build, found[index]]));
  const documents = new Map<ModuleBuild, ModuleDocuments>();
  let characters = 0;
  await forEachAtOnce(builds, documentsAtOnce, async (build) => {
    const module = modules.get(build);
    const source = module === undefined ? await ofService(sources.service, build, options) : { tag: module.build.tag as string, arches: module.arches, read: (arch: string) => module.document(arch, options) };
    const read = await readAll(build, source, options.arches);
    characters += read.texts.reduce((sum, text) => sum + text.length, 0);
    if (characters > mostText) throw new MillraceError('unresolvable', `the metadata of the modules has more than ${mostText} characters, the most that one compose takes`);
    documents.set(build, read);
  });
  return builds.flatMap((build) => documents.get(build) ?? []);
}

/** For what Koji has no build of: scratch builds, and services that do not import theirs. */
async function ofService(service: ModuleBuildService | undefined, build: ModuleBuild, options: SourceOptions): Promise<DocumentSource> {
  const { id, tag } = build;
  if (service === undefined || id === undefined || tag === undefined) throw new MillraceError('unresolvable', `the Koji hub has no complete build ${kojiBuildOf(build)} of the module ${moduleName(build)}`);
  const documents = await service.documents({ ...build, id }, options);
  return { tag, arches: [...documents.keys()], read: (arch) => Promise.resolve(documents.get(arch) ?? '') };
}

async function readAll(build: ModuleBuild, source: DocumentSource, arches: readonly string[]): Promise<ModuleDocuments> {
  const artifacts = new Map<string, readonly string[]>();
  const texts: string[] = [];
  for (const arch of arches) {
    const name = [arch, ...treeArchitectures(arch).native].find((each) => source.arches.includes(each));
    if (name === undefined) continue;
    const document = readModulemd(await source.read(name), `the metadata of ${moduleName(build)} for ${name}`);
    refuseOther(build, document, name);
    artifacts.set(arch, document.artifacts);
    texts.push(document.arch === '' ? withArch(document, name) : document.text);
  }
  if (texts.length === 0) throw new MillraceError('unresolvable', `the module ${moduleName(build)} is not there for ${arches.join(', ')}: it has ${source.arches.filter((arch) => arch !== 'src').sort().join(', ') || 'no architecture'}`);
  return { content: { module: moduleName(build), tag: source.tag, artifacts }, texts };
}

function refuseOther(build: ModuleBuild, document: Modulemd, arch: string): void {
  const same = document.name === build.name && document.stream === build.stream && document.version === build.version && document.context === build.context && (document.arch === '' || document.arch === arch);
  if (same) return;
  const { name, stream, version, context } = document;
  throw new MillraceError('source-invalid', `the metadata of ${moduleName(build)} for ${arch} is that of ${moduleName({ name, stream, version, context }).slice(0, 300)} for ${document.arch.slice(0, 60) || 'no architecture'}`);
}

/** dnf takes a document without one for all architectures, although it names the packages of one. */
function withArch({ text }: Modulemd, arch: string): string {
  return text.replace(/^( +)context:.*$/m, (line, indent: string) => `${line}\n${indent}arch: ${arch}`);
}
