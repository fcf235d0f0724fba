import { invalidOstree } from './invalid-ostree.js';

/** Objects of a repository in archive mode. A `file` is named by the digest of its uncompressed form, and stored as `filez`. */
export const objectTypes = ['commit', 'dirtree', 'dirmeta', 'file'] as const;
export type ObjectType = (typeof objectTypes)[number];

export interface ObjectName {
  /** Lower-case hex SHA-256. */
  readonly checksum: string;
  readonly type: ObjectType;
}

/** Where an object lies in the repository: `objects/ab/cdef….filez`. */
export function objectPath({ checksum, type }: ObjectName): string {
  return `objects/${checksum.slice(0, 2)}/${checksum.slice(2)}.${type === 'file' ? 'filez' : type}`;
}

/** Of a loose object's name as the push protocol has it: `<checksum>.filez`. Errors: `source-invalid`. */
export function parseObjectName(name: string): ObjectName {
  const [, checksum = '', extension = ''] = /^([0-9a-f]{64})\.(commit|dirtree|dirmeta|filez)$/.exec(name) ?? [];
  if (checksum === '') throw invalidOstree(`an object named ${JSON.stringify(name.slice(0, 100))}`);
  return { checksum, type: extension === 'filez' ? 'file' : (extension as ObjectType) };
}

/** Hex of the 32 bytes that a checksum is in an object. Errors: `source-invalid`. */
export function checksumText(bytes: Buffer): string {
  if (bytes.length !== 32) throw invalidOstree(`a checksum of ${bytes.length} bytes`);
  return bytes.toString('hex');
}
