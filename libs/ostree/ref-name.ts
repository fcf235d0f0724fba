import { invalidOstree } from './invalid-ostree.js';

/** OSTree's rule for the parts of a ref: letters, digits, `.`, `_`, `-`, the first no `.`; parts divided by `/`. Errors: `source-invalid`. */
export function assertRefName(name: string): void {
  const parts = name.split('/');
  if (name.length > 1024 || parts.length > 20 || parts.some((part) => part.length > 255 || !/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(part))) {
    throw invalidOstree(`a ref named ${JSON.stringify(name.slice(0, 100))}`);
  }
}

/** As BuildStream 1 names an artifact: what no ref may have becomes `_`. */
export function artifactRef(project: string, element: string, key: string): string {
  const part = (text: string): string => text.replaceAll(/[^A-Za-z0-9._-]/g, '_').replace(/^\./, '_');
  return `${part(project)}/${part(element)}/${part(key)}`;
}
