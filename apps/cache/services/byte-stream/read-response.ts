const dataTag = (10 << 3) | 2;

/** What `ReadResponse` has before its bytes: an empty message has no field at all. */
export function readResponseHead({ length }: Buffer): Buffer {
  if (length === 0) return Buffer.alloc(0);
  const header = [dataTag];
  let rest = length;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) header.push((rest & 0x7f) | 0x80);
  header.push(rest);
  return Buffer.from(header);
}
