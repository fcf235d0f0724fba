import { limitExceeded, refusal } from '../../inspection/refusal.js';

/** One document of a `modules.yaml`. */
export interface ModuleDocument {
  /** `modulemd`, `modulemd-defaults`, `modulemd-obsoletes`, `modulemd-translations`; empty when it does not say. */
  readonly kind: string;
  /** Name of the module; empty when it does not say. */
  readonly name: string;
  readonly stream: string;
  /** Of builds: digits. */
  readonly version: string;
  readonly context: string;
  readonly arch: string;
  /** YAML without document markers, as it stands in the file. */
  readonly text: string;
}

const limits = { bytes: 256 * 1024 * 1024, documents: 100_000 };
/** Keys of interest are near the beginning of a line, and short. */
const longestLine = 4096;

/**
 * Reads `modules.yaml` as far as it takes to tell documents apart: by lines, in linear time, where parsing hostile YAML can take quadratic time and 10 MiB of
 * honest YAML seconds. Understood is the block style that libmodulemd writes; of other documents kind and names stay empty. Throws a reason for what is not
 * UTF-8 and for passed limits.
 */
export function readModules(bytes: Buffer): readonly ModuleDocument[] {
  if (bytes.length > limits.bytes) throw limitExceeded(`the modules metadata has more than ${limits.bytes} bytes`);
  const documents: ModuleDocument[] = [];
  let lines: string[] = [];
  const end = (): void => {
    if (lines.some((line) => line.trim() !== '' && !/^[#%]/.test(line))) documents.push(parseDocument(lines));
    if (documents.length > limits.documents) throw limitExceeded(`the modules metadata has more than ${limits.documents} documents`);
    lines = [];
  };
  for (const line of decode(bytes).split('\n')) {
    // At the beginning of a line these are markers wherever they stand, even in a block of text: YAML 1.2, section 9.1.
    if (/^(?:---|\.\.\.)(?:\s|$)/.test(line)) end();
    else lines.push(line);
    if (/^---\s+[^#\s]/.test(line)) throw refusal('the modules metadata has a document that begins in the line of its marker, which libmodulemd never writes');
  }
  end();
  return documents;
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refusal('the modules metadata is not valid UTF-8', cause);
  }
}

function parseDocument(lines: readonly string[]): ModuleDocument {
  const outer = readKeys(lines, 0);
  const start = lines.findIndex((line) => /^data:\s*(?:#.*)?$/.test(line));
  const inner = start < 0 ? new Map<string, string>() : readKeys(dataLines(lines, start + 1), undefined);
  const of = (key: string): string => inner.get(key) ?? '';
  return { kind: outer.get('document') ?? '', name: inner.get('name') ?? of('module'), stream: of('stream'), version: of('version'), context: of('context'), arch: of('arch'), text: `${lines.join('\n').trimEnd()}\n` };
}

/** Up to the next key of the outer mapping. */
function dataLines(lines: readonly string[], start: number): readonly string[] {
  const end = lines.findIndex((line, index) => index >= start && /^[^\s#-]/.test(line));
  return lines.slice(start, end < 0 ? undefined : end);
}

/** Scalars of a block mapping, by key; `indent` undefined: that of its first key. Deeper lines belong to values and are passed over. */
function readKeys(lines: readonly string[], indent: number | undefined): Map<string, string> {
  const keys = new Map<string, string>();
  let at = indent;
  for (const line of lines) {
    const parts = line.length > longestLine ? null : /^( *)([A-Za-z_]+):(?: +(.*))?$/.exec(line);
    if (parts === null) continue;
    const [, spaces = '', key = '', value = ''] = parts;
    at ??= spaces.length;
    if (spaces.length === at && !keys.has(key)) keys.set(key, scalar(value));
  }
  return keys;
}

function scalar(text: string): string {
  const quoted = /^(?:"([^"\\]*)"|'([^']*)')\s*(?:#.*)?$/.exec(text);
  return quoted === null ? text.replace(/\s#.*$/, '').trim() : (quoted[1] ?? quoted[2] ?? '');
}

/**
 * Makes one of the documents of several repositories, the preferred first: a build of a module (name, stream, version, context, architecture), a module's
 * defaults and a stream's translations count once, the first of them; of other documents, those that are equal count once. Deterministic.
 */
export function mergeModules(repositories: readonly (readonly ModuleDocument[])[]): string {
  const merged = new Map<string, ModuleDocument>();
  for (const document of repositories.flat()) if (!merged.has(identity(document))) merged.set(identity(document), document);
  return [...merged.values()].map(({ text }) => `---\n${text}...\n`).join('');
}

function identity({ kind, name, stream, version, context, arch, text }: ModuleDocument): string {
  if (name !== '' && kind === 'modulemd') return JSON.stringify([kind, name, stream, version, context, arch]);
  if (name !== '' && kind === 'modulemd-defaults') return JSON.stringify([kind, name]);
  if (name !== '' && kind === 'modulemd-translations') return JSON.stringify([kind, name, stream]);
  return text;
}
