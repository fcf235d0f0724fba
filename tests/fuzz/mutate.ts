/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Random = () => number;

const maximumSize = 4 * 1024 * 1024;
const maximumSteps = 6;
/** What parsers of sizes, counts and depths stumble over. */
const interesting = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const tokens = ['\0', '\n', '\r\n', '"', "'", '<', '>', '&', '{', '}', '[', ']', '[[[[[[[[', '../', '/', '\\', '%00', '%2e%2e/', '-1', '9999999999999999999', 'NaN', 'null', '<!DOCTYPE x [', '\u{202e}', '\u{fffd}', '__proto__', 'é'];

/** One to six random changes of one of the seeds; sometimes parts of two. */
export function mutate(seeds: readonly Buffer[], random: Random): Buffer {
  let bytes = pick(seeds, random);
  const steps = 1 + whole(maximumSteps, random);
  for (let step = 0; step < steps; step += 1) bytes = pick(changes, random)(bytes, random, seeds);
  return bytes.subarray(0, maximumSize);
}

type Change = (bytes: Buffer, random: Random, seeds: readonly Buffer[]) => Buffer;

const changes: readonly Change[] = [
  function flipBit(bytes, random) {
    if (bytes.length === 0) return bytes;
    const copy = Buffer.from(bytes);
    const at = whole(copy.length, random);
    copy[at] = (copy[at] as number) ^ (1 << whole(8, random));
    return copy;
  },
  function setNumber(bytes, random) {
    const size = pick([1, 2, 4], random);
    if (bytes.length < size) return bytes;
    const copy = Buffer.from(bytes);
    const at = whole(copy.length - size + 1, random);
    const value = pick(interesting, random) % 2 ** (8 * size);
    if (random() < 0.5) copy.writeUIntBE(value, at, size);
    else copy.writeUIntLE(value, at, size);
    return copy;
  },
  (bytes, random) => bytes.subarray(0, whole(bytes.length + 1, random)),
  function remove(bytes, random) {
    const [from, to] = range(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  function repeat(bytes, random) {
    const [from, to] = range(bytes, random);
    const times = 1 + whole(random() < 0.1 ? 2000 : 4, random);
    const part = bytes.subarray(from, Math.min(to, from + Math.ceil(maximumSize / times)));
    return Buffer.concat([bytes.subarray(0, to), ...Array.from({ length: times }, () => part), bytes.subarray(to)]);
  },
  function insertToken(bytes, random) {
    const at = whole(bytes.length + 1, random);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(pick(tokens, random)), bytes.subarray(at)]);
  },
  function changeDigit(bytes, random) {
    const digits = [...bytes.subarray(0, 65_536).entries()].filter(([, byte]) => byte >= 0x30 && byte <= 0x39);
    if (digits.length === 0) return bytes;
    const copy = Buffer.from(bytes);
    copy[pick(digits, random)[0]] = 0x30 + whole(10, random);
    return copy;
  },
  function splice(bytes, random, seeds) {
    const other = pick(seeds, random);
    return Buffer.concat([bytes.subarray(0, whole(bytes.length + 1, random)), other.subarray(whole(other.length + 1, random))]);
  },
];

/** 0 to limit - 1. */
function whole(limit: number, random: Random): number {
  return Math.floor(random() * limit);
}

function pick<Item>(items: readonly Item[], random: Random): Item {
  return items[whole(items.length, random)] as Item;
}

function range(bytes: Buffer, random: Random): [number, number] {
  const from = whole(bytes.length + 1, random);
  const longest = random() < 0.5 ? 16 : bytes.length;
  return [from, Math.min(bytes.length, from + whole(longest + 1, random))];
}
