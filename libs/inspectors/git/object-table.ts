import { randomBytes } from 'node:crypto';
import { limitExceeded } from '../../inspection/refusal.js';

/**
 * A set of object ids of one length, numbered in the order in which they came. Ids are compared where they lie, word by word: the trees of a
 * long history name tens of millions, and an object or a string for each would take minutes.
 */
export interface ObjectTable {
  readonly size: number;
  /** The number of the id at `offset`, which is new when it equals the size before. */
  readonly add: (bytes: Uint8Array, offset?: number) => number;
  /** The number of the id at `offset`, or -1. */
  readonly find: (bytes: Uint8Array, offset?: number) => number;
  readonly idAt: (number: number) => Buffer;
}

const empty = -1;

/** `length` is a multiple of 4, `limit` the number of ids; one more throws. The hash is seeded, as the ids in a tree can be anything that its author liked. */
export function createObjectTable(length: number, limit: number): ObjectTable {
  const width = length / 4;
  const seeds = Int32Array.from({ length: width }, () => randomBytes(4).readInt32LE() | 1);
  let words = new Int32Array(width * 64);
  let slots = new Int32Array(256).fill(empty);
  let size = 0;
  const sought = new Int32Array(width);

  function load(bytes: Uint8Array, offset: number): void {
    for (let word = 0, at = offset; word < width; word += 1, at += 4)
      sought[word] = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
  }

  /** Of the sought id: where it is, or where it would be put. */
  function slotOf(): number {
    let hash = 0;
    for (let word = 0; word < width; word += 1) hash = Math.imul(hash ^ (sought[word] as number) ^ (hash >>> 15), seeds[word] as number);
    const mask = slots.length - 1;
    let slot = (hash ^ (hash >>> 13)) & mask;
    for (let number = slots[slot] as number; number !== empty && !isSought(number); number = slots[slot] as number) slot = (slot + 1) & mask;
    return slot;
  }

  function isSought(number: number): boolean {
    for (let word = 0, at = number * width; word < width; word += 1, at += 1) if (words[at] !== sought[word]) return false;
    return true;
  }

  function grow(): void {
    slots = new Int32Array(slots.length * 2).fill(empty);
    for (let number = 0; number < size; number += 1) {
      sought.set(words.subarray(number * width, (number + 1) * width));
      slots[slotOf()] = number;
    }
  }

  function append(slot: number): number {
    if (size === limit) throw limitExceeded(`the git objects name more than ${limit} others`);
    if ((size + 1) * width > words.length) {
      const larger = new Int32Array(words.length * 2);
      larger.set(words);
      words = larger;
    }
    words.set(sought, size * width);
    slots[slot] = size;
    size += 1;
    if (size * 2 > slots.length) grow();
    return size - 1;
  }

  return {
    get size() {
      return size;
    },
    add(bytes, offset = 0) {
      load(bytes, offset);
      const slot = slotOf();
      const known = slots[slot] as number;
      return known === empty ? append(slot) : known;
    },
    find(bytes, offset = 0) {
      load(bytes, offset);
      return slots[slotOf()] as number;
    },
    idAt(number) {
      const id = Buffer.alloc(length);
      for (let word = 0; word < width; word += 1) id.writeInt32LE(words[number * width + word] as number, word * 4);
      return id;
    },
  };
}
