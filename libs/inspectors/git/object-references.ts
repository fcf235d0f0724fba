import { refusal } from '../../inspection/refusal.js';
import { parseCommit, parseTag, scanTree, submoduleMode, treeMode } from './git-objects.js';
import { idLength, type ObjectFormat, type ObjectType } from './object-id.js';
import { createObjectTable, type ObjectTable } from './object-table.js';
import type { GitObject } from './pack-contents.js';
import type { Pack } from './pack-reader.js';

/** What the received objects refer to. When each of them is there, or with the client already, all that hangs on the wanted commits is. */
export interface ObjectReferences {
  /** Notes what a commit, a tree or a tag refers to. */
  readonly visit: (object: GitObject, id: Buffer) => void;
  /** References that the pack does not hold. Throws when one is held as an object of another type than the reference says. */
  missing(pack: Pack): readonly MissingObject[];
  /** Commits of submodules, which the pack never holds: ids in hex. */
  readonly submodules: ReadonlySet<string>;
}

export interface MissingObject {
  readonly id: Buffer;
  readonly type: ObjectType;
}

const maxReferences = 8_000_000;
const maxSubmodules = 20_000;
const typeCodes: readonly ObjectType[] = ['commit', 'tree', 'blob', 'tag'];
const treeCode = typeCodes.indexOf('tree');
const blobCode = typeCodes.indexOf('blob');

/** `parentless`: commits, in hex, that are received without their parents because the history is cut there. */
export function createObjectReferences(format: ObjectFormat, parentless: ReadonlySet<string>): ObjectReferences {
  const table: ObjectTable = createObjectTable(idLength[format], maxReferences);
  let types = Buffer.alloc(1024);
  const submodules = new Set<string>();

  function note(bytes: Buffer, offset: number, code: number): void {
    const before = table.size;
    const number = table.add(bytes, offset);
    if (number < before) {
      if (types[number] !== code) throw refusal(`the pack refers to ${table.idAt(number).toString('hex')} as a ${typeCodes[code]} and as a ${typeCodes[types[number] as number]}`);
      return;
    }
    if (number >= types.length) types = Buffer.concat([types], types.length * 2);
    types[number] = code;
  }

  function noteHex(id: string, type: ObjectType): void {
    note(Buffer.from(id, 'hex'), 0, typeCodes.indexOf(type));
  }

  function visit({ type, content }: GitObject, id: Buffer): void {
    if (type === 'commit') {
      const commit = parseCommit(content, format);
      noteHex(commit.tree, 'tree');
      if (!parentless.has(id.toString('hex'))) for (const parent of commit.parents) noteHex(parent, 'commit');
    } else if (type === 'tag') {
      const tag = parseTag(content, format);
      noteHex(tag.object, tag.type);
    } else {
      scanTree(content, format, (mode, _name, idAt) => {
        if (mode !== submoduleMode) note(content, idAt, mode === treeMode ? treeCode : blobCode);
        else if (submodules.size < maxSubmodules) submodules.add(content.toString('hex', idAt, idAt + idLength[format]));
      });
    }
  }

  function missing(pack: Pack): MissingObject[] {
    const absent: MissingObject[] = [];
    for (let number = 0; number < table.size; number += 1) {
      const id = table.idAt(number);
      const type = typeCodes[types[number] as number] as ObjectType;
      const found = pack.objects.find(id);
      if (found < 0) absent.push({ id, type });
      else if (pack.typeOf(found) !== type) throw refusal(`the pack refers to ${id.toString('hex')} as a ${type}, but it is a ${pack.typeOf(found)}`);
    }
    return absent;
  }

  return { visit, missing, submodules };
}
