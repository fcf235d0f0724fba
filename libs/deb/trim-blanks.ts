/**
 * Without blanks, tabs and line ends around it. Not `trim`: of text that is read as Latin-1, so that every byte is kept, that would take the last byte of a letter such
 * as "à" for a space. No regular expression either: of a long run of blanks in the middle, those look at each one as often as there are.
 */
export function trimBlanks(text: string): string {
  return trimBlanksAtEnd(text.slice(startOf(text)));
}

export function trimBlanksAtEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return end === text.length ? text : text.slice(0, end);
}

function startOf(text: string): number {
  let start = 0;
  while (start < text.length && isBlank(text.charCodeAt(start))) start += 1;
  return start;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}
