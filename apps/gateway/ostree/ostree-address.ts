/** A file of the repository of a cache instance. */
export interface OstreeAddress {
  readonly instance: string;
  readonly file: string;
  /** Named for what is in it. */
  readonly object: boolean;
}

const files = /^(.+?)\/(config|summary|refs\/heads\/[A-Za-z0-9._/-]{1,1024}|objects\/[0-9a-f]{2}\/[0-9a-f]{62}\.(?:commit|dirtree|dirmeta|filez))$/;

/** Of the path below `/ostree/`. Undefined: repositories have no such file. */
export function ostreeAddress(path: string): OstreeAddress | undefined {
  const [, instance, file] = files.exec(path) ?? [];
  if (instance === undefined || file === undefined || file.split('/').some((part) => part === '' || part.startsWith('.'))) return undefined;
  return { instance, file, object: file.startsWith('objects/') };
}
