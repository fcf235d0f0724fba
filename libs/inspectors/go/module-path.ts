const elementPattern = /^[A-Za-z0-9_~-](?:[A-Za-z0-9._~-]*[A-Za-z0-9_~-])?$/;
const maxPath = 2048;

/** A module path as it stands in `go.mod`: elements of letters, digits and `-._~`, none starting or ending with a dot. */
export function isModulePath(path: string): boolean {
  return path.length <= maxPath && path.split('/').every((element) => elementPattern.test(element));
}

/** Undoes the escape of the proxy protocol, in which `!a` stands for `A`. Undefined when the text is not escaped so. */
export function unescapeModule(escaped: string): string | undefined {
  if (escaped.length > 2 * maxPath || /[A-Z]|!(?![a-z])/.test(escaped)) return undefined;
  return escaped.replaceAll(/!([a-z])/g, (_whole, letter: string) => letter.toUpperCase());
}

/** As the proxy protocol writes a module or a version: `A` is `!a`. */
export function escapeModule(plain: string): string {
  return plain.replaceAll(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`);
}

/**
 * The modules that a path of a proxy may name, the longest first: the proxy may lie under a path of its own, and that a module starts with
 * a host's name is all that tells where it begins.
 */
export function possibleModules(path: string): readonly string[] {
  const elements = path.split('/').filter((element) => element !== '');
  return elements
    .map((_element, index) => elements.slice(index).join('/'))
    .filter((candidate) => /^[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:\/|$)/.test(candidate) && isModulePath(candidate))
    .slice(0, 16);
}

export function modulePurl(module: string, version: string): string {
  const path = module.split('/').map(encodeURIComponent).join('/');
  return `pkg:golang/${path}${version === '' ? '' : `@${encodeURIComponent(version)}`}`;
}
