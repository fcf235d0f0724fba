import { createHash } from 'node:crypto';

/** The hash of a module in `go.sum` and the checksum database: over the lines `<sha256>  <name>` of its files, sorted by the bytes of the names. */
export function moduleHash(files: ReadonlyMap<string, string>): string {
  const names = [...files.keys()].map((name) => ({ name, bytes: Buffer.from(name) })).sort((one, other) => one.bytes.compare(other.bytes));
  const hash = createHash('sha256');
  for (const { name } of names) hash.update(`${files.get(name)}  ${name}\n`);
  return `h1:${hash.digest('base64')}`;
}

/** The hash of a `go.mod` alone. */
export function goModHash(content: Buffer): string {
  return moduleHash(new Map([['go.mod', createHash('sha256').update(content).digest('hex')]]));
}
