const namePattern = /^[a-z0-9][a-z0-9._-]{0,127}\/[a-z0-9][a-z0-9._-]{0,127}$/;

/** `vendor/name` in lower case. */
export function isComposerName(name: string): boolean {
  return namePattern.test(name);
}

export function composerPurl(name: string, version = ''): string {
  return `pkg:composer/${name.split('/').map(encodeURIComponent).join('/')}${version === '' ? '' : `@${encodeURIComponent(version)}`}`;
}
