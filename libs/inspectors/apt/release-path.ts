import { directoryOf } from './repository-path.js';

/** Which file of a release a URL path names. */
export interface ReleasePath {
  /** Directory of the release, `/` at its end. */
  readonly base: string;
  readonly file: 'InRelease' | 'Release' | 'Release.gpg';
}

export function parseReleasePath(path: string): ReleasePath | undefined {
  const file = (['InRelease', 'Release', 'Release.gpg'] as const).find((name) => path.endsWith(`/${name}`));
  return file === undefined ? undefined : { base: directoryOf(path), file };
}
