import { refusal } from '../../inspection/refusal.js';

/** Bytes that `go` takes. */
export const goModLimit = 16 * 1024 * 1024;

/** The module path that a go.mod declares, as it stands there. Throws the reason when the file is no go.mod. */
export function declaredModule(content: Buffer): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (cause) {
    throw refusal('the go.mod is not valid UTF-8', cause);
  }
  const directive = /^[ \t]*module(?:[ \t]+([^\s()]{1,2048})|[ \t]*\([ \t]*(?:\/\/[^\n]*)?\n\s*([^\s()]{1,2048}))/m.exec(text);
  const written = directive?.[1] ?? directive?.[2] ?? '';
  const quoted = /^(["`])(.*)\1$/.exec(written);
  const path = quoted?.[2] ?? written;
  if (path === '' || /["`]/.test(path)) throw refusal('the go.mod has no module directive');
  return path;
}
