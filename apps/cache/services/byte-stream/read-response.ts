const dataTag = (10 << 3) | 2;

/** `ReadResponse` with these bytes, copied once where a general writer copies them twice: all that the cache sends goes through here. */
export function writeReadResponse(data: Buffer): Buffer {
  if (data.length === 0) return Buffer.alloc(0);
  const header = [dataTag];
  let rest = data.length;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) header.push((rest & 0x7f) | 0x80);
  header.push(rest);
  return Buffer.concat([Buffer.from(header), data], header.length + data.length);
}
