import { fileTypeFromBuffer } from 'file-type';

const scripts: readonly (readonly [string, string])[] = [
  ['python', 'text/x-python'],
  ['node', 'text/javascript'],
  ['perl', 'text/x-perl'],
  ['ruby', 'text/x-ruby'],
  ['php', 'text/x-php'],
];

/** Media type of a file by its first bytes (at most 4 KiB) alone: what a server calls it is not looked at. */
export async function sniffType(head: Buffer, whole: boolean): Promise<string> {
  if (head.length === 0) return 'application/x-empty';
  const text = decodeText(head, whole);
  // Formats with a magic number first, but XML and the like are told by their text below, within a bounded look.
  const magic = text === undefined ? await sniffMagic(head) : undefined;
  if (magic !== undefined) return magic;
  return text === undefined ? 'application/octet-stream' : sniffText(text, whole);
}

async function sniffMagic(head: Buffer): Promise<string | undefined> {
  try {
    return (await fileTypeFromBuffer(head))?.mime;
  } catch {
    return undefined; // the head ends where the library wanted to read on
  }
}

/** The head as text, or undefined when it has control characters or is not UTF-8. The last character may be cut off. */
function decodeText(head: Buffer, whole: boolean): string | undefined {
  for (const byte of head) if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0c && byte !== 0x0d && byte !== 0x1b) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: !whole });
  } catch {
    return undefined;
  }
}

function sniffText(text: string, whole: boolean): string {
  const start = text.trimStart();
  const lower = start.slice(0, 256).toLowerCase();
  if (lower.startsWith('#!')) return sniffScript(lower);
  if (lower.startsWith('<!doctype html') || lower.startsWith('<html') || lower.startsWith('<head') || lower.startsWith('<body')) return 'text/html';
  if (lower.startsWith('<?xml')) return 'application/xml';
  if (lower.startsWith('-----begin pgp')) return 'application/pgp-keys';
  if (lower.startsWith('-----begin ')) return 'application/x-pem-file';
  if (looksLikeJson(start, whole)) return 'application/json';
  return 'text/plain';
}

function sniffScript(lower: string): string {
  const line = lower.slice(0, Math.max(0, lower.indexOf('\n')));
  return scripts.find(([interpreter]) => line.includes(interpreter))?.[1] ?? 'text/x-shellscript';
}

function looksLikeJson(start: string, whole: boolean): boolean {
  if (!start.startsWith('{') && !start.startsWith('[')) return false;
  if (!whole) return /^(?:\{\s{0,64}["}]|\[\s{0,64}[[{"\d\-tfn\]])/.test(start);
  try {
    JSON.parse(start);
    return true;
  } catch {
    return false;
  }
}
