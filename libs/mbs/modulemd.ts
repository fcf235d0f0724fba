import { isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import { MillraceError } from '../errors/millrace-error.js';
import { readPolicyYaml } from '../policy/read-policy-yaml.js';
import { readModules } from '../rpm/metadata/modules.js';

/** What of a modulemd document decides which packages go where. */
export interface Modulemd {
  readonly name: string;
  readonly stream: string;
  /** Digits; empty in sources of modules. */
  readonly version: string;
  readonly context: string;
  /** Empty: it is of no architecture. */
  readonly arch: string;
  /** Streams that it needs at run time. A module of which any stream will do has none here. */
  readonly requires: readonly { readonly name: string; readonly stream: string }[];
  /** `name-epoch:version-release.arch` */
  readonly artifacts: readonly string[];
  /** YAML without document markers, as it was written. */
  readonly text: string;
}

/** Characters; the largest known has some 300,000. */
const longest = 4 * 1024 ** 2;
const mostRequires = 1000;

/**
 * Reads the hostile text of one modulemd document (versions 1 and 2). Scalars are taken as they are written: a stream `1.10` is not the number 1.1. Errors:
 * `source-invalid`, naming the document.
 */
export function readModulemd(text: string, what: string): Modulemd {
  const invalid = (why: string, cause?: unknown): MillraceError => new MillraceError('source-invalid', `${what} cannot be used: ${why}`, cause === undefined ? {} : { cause });
  if (text.length > longest) throw invalid(`it has more than ${longest} characters`);
  let documents: ReturnType<typeof readModules>;
  try {
    documents = readModules(Buffer.from(text));
  } catch (error) {
    throw invalid((error as Error).message, error);
  }
  const [only, ...others] = documents;
  if (only === undefined || others.length > 0) throw invalid(`it has ${documents.length} documents`);
  if (only.kind !== 'modulemd') throw invalid(`it is no modulemd document, but ${JSON.stringify(only.kind.slice(0, 60))}`);
  const { document, mistakes } = readPolicyYaml(only.text);
  const [mistake] = mistakes;
  if (mistake !== undefined || document === undefined) throw invalid(`it ${mistake?.message ?? 'is no YAML'}`);
  const data = isMap(document.contents) ? valueOf(document.contents, 'data') : undefined;
  if (!isMap(data)) throw invalid('it has no data');
  const requires = readRequires(valueOf(data, 'dependencies'));
  if (requires.length > mostRequires) throw invalid(`it requires more than ${mostRequires} modules`);
  const artifacts = valueOf(data, 'artifacts');
  return {
    name: textOf(valueOf(data, 'name')) ?? '',
    stream: textOf(valueOf(data, 'stream')) ?? '',
    version: textOf(valueOf(data, 'version')) ?? '',
    context: textOf(valueOf(data, 'context')) ?? '',
    arch: textOf(valueOf(data, 'arch')) ?? '',
    requires,
    artifacts: isMap(artifacts) ? textsOf(valueOf(artifacts, 'rpms')) : [],
    text: only.text,
  };
}

/** Of version 2: a list, whose entries stand for what it was built with. Of version 1: one mapping to one stream each. */
function readRequires(dependencies: Node | undefined): Modulemd['requires'] {
  const groups = isSeq(dependencies) ? dependencies.items : [dependencies];
  const found = groups.flatMap((group) => {
    const requires = isMap(group) ? valueOf(group, 'requires') : undefined;
    if (!isMap(requires)) return [];
    return requires.items.flatMap(({ key, value }) => {
      const name = textOf(key as Node) ?? '';
      return streamsOf(value as Node | undefined).map((stream) => ({ name, stream }));
    });
  });
  return [...new Map(found.map((each) => [`${each.name}:${each.stream}`, each])).values()];
}

/** `-stream` says which one it is not: no particular one is needed then, as with none at all. */
function streamsOf(value: Node | undefined): readonly string[] {
  const streams = isSeq(value) ? textsOf(value) : [textOf(value) ?? ''];
  return streams.filter((stream) => stream !== '' && !stream.startsWith('-'));
}

function valueOf(map: YAMLMap, name: string): Node | undefined {
  return map.items.find(({ key }) => isScalar(key) && key.value === name)?.value as Node | undefined;
}

function textsOf(node: Node | undefined): readonly string[] {
  return isSeq(node) ? node.items.flatMap((item) => textOf(item as Node) ?? []) : [];
}

function textOf(node: Node | null | undefined): string | undefined {
  if (!isScalar(node) || node.value === null || node.value === undefined) return undefined;
  return typeof node.value === 'string' ? node.value : (node.source ?? `${node.value as number}`);
}
