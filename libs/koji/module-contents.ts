import { MillraceError } from '../errors/millrace-error.js';
import { findTag, taggedRpms, type KojiBuildRow, type KojiRpmRow } from './koji-calls.js';
import type { KojiHub } from './koji-hub.js';

/** The packages of one build of a module. */
export interface ModuleContent {
  /** NAME:STREAM:VERSION:CONTEXT */
  readonly module: string;
  /** The Koji tag that has them. */
  readonly tag: string;
  /** Of each architecture of the compose that it is for: `name-epoch:version-release.arch`, as its document there has them. */
  readonly artifacts: ReadonlyMap<string, readonly string[]>;
}

export interface ContentRows {
  readonly rpms: readonly KojiRpmRow[];
  readonly builds: readonly KojiBuildRow[];
  /** Of RPMs by id: the architectures whose trees they are for. */
  readonly trees: ReadonlyMap<number, readonly string[]>;
}

interface ContentOptions {
  readonly event: number;
  /** Of RPMs, as rpm names them; others are left out. */
  readonly arches: readonly string[];
  readonly signatures: boolean;
  readonly signal: AbortSignal;
}

const tagsAtOnce = 4;

/** What the documents of modules name, out of the modules' own tags: what they filter out stays there. Errors: those of the hub; `unresolvable` for what a tag has not. */
export async function readContents(hub: KojiHub, contents: readonly ModuleContent[], options: ContentOptions): Promise<ContentRows> {
  const answers: Awaited<ReturnType<typeof readContent>>[] = [];
  for (let from = 0; from < contents.length; from += tagsAtOnce) answers.push(...(await Promise.all(contents.slice(from, from + tagsAtOnce).map((content) => readContent(hub, content, options)))));
  const missing = answers.flatMap((answer) => answer.missing);
  if (missing.length > 0) throw new MillraceError('unresolvable', `the Koji hub ${hub.url} has not all packages of the modules at event ${options.event}: ${missing.slice(0, 20).join('; ')}`, { suggestion: 'Name another version of these modules.' });
  const trees = new Map<number, readonly string[]>();
  for (const answer of answers) for (const [id, arches] of answer.trees) trees.set(id, [...new Set([...(trees.get(id) ?? []), ...arches])].sort());
  return { rpms: answers.flatMap(({ rpms }) => rpms), builds: answers.flatMap(({ builds }) => builds), trees };
}

async function readContent(hub: KojiHub, { module, tag: name, artifacts }: ModuleContent, options: ContentOptions): Promise<ContentRows & { readonly missing: readonly string[] }> {
  const tag = await findTag(hub, name, options.event, options.signal);
  if (tag === undefined) return { rpms: [], builds: [], trees: new Map(), missing: [`${module} has the tag ${name}, which there is not`] };
  const { rpms, builds } = await taggedRpms(hub, tag, { ...options, inherit: false, latest: false });
  const found = new Set(rpms.map(artifactOf));
  const wanted = new Map<string, string[]>();
  for (const [arch, names] of artifacts) for (const artifact of names) if (isOf(artifact, options.arches)) wanted.set(artifact, [...(wanted.get(artifact) ?? []), arch]);
  const lost = [...wanted.keys()].filter((artifact) => !found.has(artifact)).sort();
  const taken = rpms.filter((row) => wanted.has(artifactOf(row)));
  return {
    rpms: taken,
    builds,
    trees: new Map(taken.map((row) => [row.id, wanted.get(artifactOf(row)) ?? []])),
    missing: lost.length === 0 ? [] : [`${module} names ${lost.slice(0, 10).join(', ')}${lost.length > 10 ? ` and ${lost.length - 10} more` : ''}, which its tag ${name} has not`],
  };
}

function artifactOf({ name, epoch, version, release, arch }: KojiRpmRow): string {
  return `${name}-${epoch ?? 0}:${version}-${release}.${arch}`;
}

function isOf(artifact: string, arches: readonly string[]): boolean {
  return arches.includes(artifact.slice(artifact.lastIndexOf('.') + 1));
}
