import { invalidOstree } from './invalid-ostree.js';

/** Objects are pushed as a tar archive, in blocks of so many bytes. */
export const archiveBlock = 512;
/** Bytes of what only describes the next member. */
export const largestDescription = 64 * 1024;

export interface ArchiveMember {
  /** `description`: of the member that follows, and of no use here. */
  readonly type: 'object' | 'description';
  readonly name: string;
  readonly size: number;
}

/** Of a block that a member begins with. Undefined: a block of zeros, with which the archive ends. Errors: `source-invalid`, also for what is no plain file. */
export function readArchiveMember(block: Buffer): ArchiveMember | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
  if (octal(block.subarray(148, 156)) !== sum) throw invalidOstree('an archive with a broken header');
  const size = octal(block.subarray(124, 136));
  const type = String.fromCharCode(block.readUInt8(156));
  // Times that are no whole seconds make Python describe each member in one more before it.
  if ('xgLK'.includes(type)) {
    if (size > largestDescription) throw invalidOstree(`an archive with a description of ${size} bytes`);
    return { type: 'description', name: '', size };
  }
  if (type !== '0' && type !== '\0') throw invalidOstree('an archive with more than plain files');
  return { type: 'object', name: textOf(block.subarray(0, 100)), size };
}

/** Bytes up to where the next member begins. */
export function archivePadding(size: number): number {
  return (archiveBlock - (size % archiveBlock)) % archiveBlock;
}

function octal(field: Buffer): number {
  const text = textOf(field).trim();
  if (!/^[0-7]{1,12}$/.test(text)) throw invalidOstree('an archive with a broken number');
  return Number.parseInt(text, 8);
}

function textOf(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('latin1', 0, end === -1 ? field.length : end);
}
