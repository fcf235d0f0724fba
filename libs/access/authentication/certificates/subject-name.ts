/**
 * The subject as Apache's `SSL_CLIENT_S_DN`: RFC 4514, most specific part first. `subject` is that of Node's X509Certificate: one line for each part
 * in the order of the certificate, values escaped already (RFC 2253, control characters too), parts of several attributes joined by ` + `.
 */
export function distinguishedName(subject: string): string {
  return subject
    .split('\n')
    .filter((part) => part !== '')
    .map((part) => part.replaceAll(' + ', '+'))
    .reverse()
    .join(',');
}

/** The value of its only CN, without escapes. Undefined: there is none, or more than one. */
export function commonName(name: string): string | undefined {
  const values = attributesOf(name).filter(({ type }) => type === 'CN');
  return values.length === 1 ? unescaped(values[0]?.value ?? '') : undefined;
}

function attributesOf(name: string): readonly { readonly type: string; readonly value: string }[] {
  const parts = name.match(/(?:\\.|[^\\,+])+/gs) ?? [];
  return parts.map((part) => ({ type: part.slice(0, part.indexOf('=')), value: part.slice(part.indexOf('=') + 1) }));
}

function unescaped(value: string): string {
  const bytes: Buffer[] = [];
  for (const [piece] of value.matchAll(/\\[0-9A-Fa-f]{2}|\\.|[^\\]+/gs)) {
    if (/^\\[0-9A-Fa-f]{2}$/.test(piece)) bytes.push(Buffer.from(piece.slice(1), 'hex'));
    else bytes.push(Buffer.from(piece.startsWith('\\') ? piece.slice(1) : piece));
  }
  return Buffer.concat(bytes).toString('utf8');
}
