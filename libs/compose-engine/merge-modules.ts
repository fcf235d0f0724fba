const documentStart = /^---(?=[\s]|$)/m;

/**
 * Puts the module metadata of several repositories together, for one architecture. Documents of YAML begin with `---` at the beginning of a line, wherever
 * that is, so they are told apart without being parsed. Streams of other architectures are left out, and so is what an earlier repository has already:
 * the same document, or defaults of the same module.
 */
export function mergeModules(documents: readonly Buffer[], arch: string): Buffer {
  const kept = new Map<string, string>();
  for (const document of documents) {
    for (const text of splitDocuments(document.toString('utf8'))) {
      const key = keyOf(text);
      if (!isForeign(text, arch) && !kept.has(key)) kept.set(key, text);
    }
  }
  return Buffer.from([...kept.values()].map((text) => `---\n${text}\n...\n`).join(''));
}

function splitDocuments(text: string): string[] {
  return text
    .split(documentStart)
    .map((part) => part.replace(/^\.\.\.[\s]*$/gm, '').replace(/^[\t ]*\n/, '').trimEnd())
    .filter((part) => part.replace(/^\s*(#.*|%.*)?$/gm, '') !== '');
}

function keyOf(text: string): string {
  if (!/^document: *["']?modulemd-defaults["']? *$/m.test(text)) return text;
  const module = /^ {2}module: *(\S.*?) *$/m.exec(text)?.[1];
  return module === undefined ? text : `defaults of ${module}`;
}

function isForeign(text: string, arch: string): boolean {
  if (!/^document: *["']?modulemd(-stream)?["']? *$/m.test(text)) return false;
  const of = /^ {2}arch: *["']?([A-Za-z0-9_]+)["']? *$/m.exec(text)?.[1];
  return of !== undefined && of !== arch;
}
