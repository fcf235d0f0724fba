const validName = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,254}[A-Za-z0-9])?$/;

export function isProjectName(name: string): boolean {
  return validName.test(name);
}

/** PEP 503: runs of `-`, `_` and `.` are one dash, letters in lower case. */
export function normaliseProjectName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase();
}

/** `pkg:pypi/name@version` */
export function pypiPurl(name: string, version: string): string {
  const path = encodeURIComponent(normaliseProjectName(name));
  return version === '' ? `pkg:pypi/${path}` : `pkg:pypi/${path}@${encodeURIComponent(version)}`;
}
