import { refusal } from '../../inspection/refusal.js';
import { formatOfId, idLength, type ObjectFormat, type ObjectType } from './object-id.js';

export interface Commit {
  /** Ids in hex. */
  readonly tree: string;
  readonly parents: readonly string[];
  /** `Name <email> seconds zone`. */
  readonly author: string;
  readonly committer: string;
  /** First line of the message. */
  readonly subject: string;
}

export interface Tag {
  /** Id in hex. */
  readonly object: string;
  readonly type: ObjectType;
}

export interface TreeEntry {
  /** `100644`, `100755`, `120000` (link), `40000` (tree), `160000` (commit of a submodule). */
  readonly mode: number;
  readonly name: string;
  readonly id: Buffer;
}

export const treeMode = 0o40000;
export const submoduleMode = 0o160000;
const headLimit = 64 * 1024;
/** `100644` has six; some old trees have a zero before it. */
const maxModeDigits = 7;
const objectTypes: readonly ObjectType[] = ['commit', 'tree', 'blob', 'tag'];

/** Reads the head of a commit object (git-commit-tree). Throws for what git would call corrupt. */
export function parseCommit(content: Buffer, format: ObjectFormat): Commit {
  const { lines, message } = splitHead(content);
  const [treeLine = '', ...others] = lines;
  const tree = readIdLine(treeLine, 'tree', format);
  const parents: string[] = [];
  while (others[0]?.startsWith('parent ') === true) parents.push(readIdLine(others.shift() as string, 'parent', format));
  const author = others.find((line) => line.startsWith('author '));
  const committer = others.find((line) => line.startsWith('committer '));
  if (author === undefined || committer === undefined) throw refusal('the pack has a commit without author and committer');
  return { tree, parents, author: author.slice(7), committer: committer.slice(10), subject: message.trimStart().split('\n', 1)[0] ?? '' };
}

export function parseTag(content: Buffer, format: ObjectFormat): Tag {
  const { lines } = splitHead(content);
  const type = objectTypes.find((name) => lines[1] === `type ${name}`);
  if (type === undefined) throw refusal('the pack has a tag without a type');
  return { object: readIdLine(lines[0] ?? '', 'object', format), type };
}

function splitHead(content: Buffer): { lines: string[]; message: string } {
  const end = content.indexOf('\n\n');
  const head = content.subarray(0, end < 0 ? content.length : end);
  // Heads of merges of signed tags hold these tags; the lines that count come first.
  return { lines: head.toString('utf8', 0, headLimit).split('\n'), message: end < 0 ? '' : content.toString('utf8', end + 2, end + 2 + 4096) };
}

function readIdLine(line: string, key: string, format: ObjectFormat): string {
  const id = line.slice(key.length + 1);
  if (!line.startsWith(`${key} `) || formatOfId(id) !== format) throw refusal(`the pack has a corrupt object: its ${key} line is none`);
  return id;
}

/** Told of an entry by where its name and its id begin and end in the tree's content. */
export type VisitTreeEntry = (mode: number, name: { readonly start: number; readonly end: number }, idAt: number) => void;

/**
 * Reads a tree object: `<mode> <name>\0<id>` for each entry. Byte by byte and without an object for each, as a long history has tens of millions.
 * Throws for what git refuses to check out.
 */
export function scanTree(content: Buffer, format: ObjectFormat, visit: VisitTreeEntry): void {
  const length = idLength[format];
  const name = { start: 0, end: 0 };
  for (let at = 0; at < content.length; at = name.end + 1 + length) {
    let mode = 0;
    const space = Math.min(at + maxModeDigits, content.length);
    let end = at;
    for (; end < space && content[end] !== 0x20; end += 1) mode = mode * 8 + octal(content[end] as number);
    if (end === at || content[end] !== 0x20) throw corruptTree();
    name.start = end + 1;
    name.end = content.indexOf(0, name.start);
    if (name.end <= name.start || name.end + 1 + length > content.length) throw corruptTree();
    checkName(content, name);
    visit(mode, name, name.end + 1);
  }
}

/** The entries of one tree. */
export function treeEntries(content: Buffer, format: ObjectFormat): readonly TreeEntry[] {
  const entries: TreeEntry[] = [];
  scanTree(content, format, (mode, { start, end }, idAt) => {
    entries.push({ mode, name: content.toString('utf8', start, end), id: content.subarray(idAt, idAt + idLength[format]) });
  });
  return entries;
}

function octal(byte: number): number {
  if (byte < 0x30 || byte > 0x37) throw corruptTree();
  return byte - 0x30;
}

function corruptTree(): Error {
  return refusal('the pack has a corrupt tree');
}

const slash = 0x2f;
const dot = 0x2e;

/** Refuses names that would write outside of the work tree or into `.git`. */
function checkName(content: Buffer, { start, end }: { readonly start: number; readonly end: number }): void {
  let isUnsafe = false;
  for (let at = start; at < end; at += 1) if (content[at] === slash) isUnsafe = true;
  if (content[start] === dot && end - start <= 4) isUnsafe ||= /^\.(?:\.|git)?$/i.test(content.toString('latin1', start, end));
  if (isUnsafe) throw refusal(`the pack has a tree with the name ${JSON.stringify(content.toString('utf8', start, Math.min(end, start + 120)))}, which would be written outside of the work tree`);
}
