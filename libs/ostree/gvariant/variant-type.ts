import { invalidOstree } from '../invalid-ostree.js';

/** A type of GLib's variants, as far as OSTree's objects and its push protocol have them. */
export type VariantType = BasicType | ArrayType | TupleType;

interface Layout {
  /** As GLib writes it: `a{sv}`. */
  readonly signature: string;
  /** 1, 2, 4 or 8 bytes. */
  readonly alignment: number;
  /** Bytes of every value of the type; undefined: each has its own size. */
  readonly fixedSize: number | undefined;
}

export interface BasicType extends Layout {
  readonly kind: 'byte' | 'boolean' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'uint64' | 'string' | 'variant';
}

export interface ArrayType extends Layout {
  readonly kind: 'array';
  readonly element: VariantType;
}

/** Dictionary entries, too: they are laid out as a tuple of key and value. */
export interface TupleType extends Layout {
  readonly kind: 'tuple';
  readonly members: readonly VariantType[];
}

const basicTypes: Readonly<Record<string, BasicType>> = {
  y: { kind: 'byte', signature: 'y', alignment: 1, fixedSize: 1 },
  b: { kind: 'boolean', signature: 'b', alignment: 1, fixedSize: 1 },
  q: { kind: 'uint16', signature: 'q', alignment: 2, fixedSize: 2 },
  i: { kind: 'int32', signature: 'i', alignment: 4, fixedSize: 4 },
  u: { kind: 'uint32', signature: 'u', alignment: 4, fixedSize: 4 },
  x: { kind: 'int64', signature: 'x', alignment: 8, fixedSize: 8 },
  t: { kind: 'uint64', signature: 't', alignment: 8, fixedSize: 8 },
  s: { kind: 'string', signature: 's', alignment: 1, fixedSize: undefined },
  v: { kind: 'variant', signature: 'v', alignment: 8, fixedSize: undefined },
};

const deepest = 16;
const longestSignature = 255;

/** Errors: `source-invalid` for what is no type, or none that OSTree uses. */
export function variantType(signature: string): VariantType {
  if (signature.length > longestSignature) throw invalidOstree(`a type of ${signature.length} characters`);
  const parser = { signature, position: 0 };
  const type = parseType(parser, 0);
  if (parser.position !== signature.length) throw unknownType(signature);
  return type;
}

interface Parser {
  readonly signature: string;
  position: number;
}

function parseType(parser: Parser, depth: number): VariantType {
  if (depth > deepest) throw unknownType(parser.signature);
  const letter = parser.signature[parser.position] ?? '';
  parser.position += 1;
  if (letter === 'a') return arrayOf(parseType(parser, depth + 1));
  if (letter === '(') return tupleOf(parseMembers(parser, ')', depth), '()');
  if (letter === '{') {
    const members = parseMembers(parser, '}', depth);
    if (members.length !== 2) throw unknownType(parser.signature);
    return tupleOf(members, '{}');
  }
  const basic = Object.hasOwn(basicTypes, letter) ? basicTypes[letter] : undefined;
  if (basic === undefined) throw unknownType(parser.signature);
  return basic;
}

function parseMembers(parser: Parser, end: string, depth: number): VariantType[] {
  const members: VariantType[] = [];
  while (parser.signature[parser.position] !== end) {
    if (parser.position >= parser.signature.length) throw unknownType(parser.signature);
    members.push(parseType(parser, depth + 1));
  }
  parser.position += 1;
  return members;
}

function arrayOf(element: VariantType): ArrayType {
  return { kind: 'array', element, signature: `a${element.signature}`, alignment: element.alignment, fixedSize: undefined };
}

function tupleOf(members: readonly VariantType[], brackets: '()' | '{}'): TupleType {
  const alignment = Math.max(1, ...members.map((member) => member.alignment));
  const signature = `${brackets[0]}${members.map((member) => member.signature).join('')}${brackets[1]}`;
  return { kind: 'tuple', members, signature, alignment, fixedSize: fixedSizeOf(members, alignment) };
}

function fixedSizeOf(members: readonly VariantType[], alignment: number): number | undefined {
  if (members.length === 0) return 1;
  let size = 0;
  for (const member of members) {
    if (member.fixedSize === undefined) return undefined;
    size = aligned(size, member.alignment) + member.fixedSize;
  }
  return aligned(size, alignment);
}

/** The next position that is a multiple of `alignment`, a power of two. */
export function aligned(position: number, alignment: number): number {
  return Math.ceil(position / alignment) * alignment;
}

/** Bytes of one framing offset in a container of so many bytes, its offsets included. */
export function offsetSize(bytes: number): 1 | 2 | 4 {
  if (bytes <= 0xff) return 1;
  return bytes <= 0xffff ? 2 : 4;
}

function unknownType(signature: string): Error {
  return invalidOstree(`a value of type ${JSON.stringify(signature.slice(0, 60))}, which no object of OSTree has`);
}
