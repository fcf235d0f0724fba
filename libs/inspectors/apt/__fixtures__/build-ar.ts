export interface ArPart {
  readonly name: string;
  readonly content: Buffer;
  /** A size in the header that is not the content's. */
  readonly size?: string;
}

/** An ar archive byte by byte, hostile ones included. */
export function buildAr(parts: readonly ArPart[]): Buffer {
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts.flatMap(partBytes)]);
}

function partBytes({ name, content, size }: ArPart): Buffer[] {
  const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${(size ?? String(content.length)).padEnd(10)}\`\n`;
  return [Buffer.from(header), content, Buffer.alloc(content.length % 2, '\n')];
}
