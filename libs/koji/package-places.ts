import { isSameKey } from '../rpm/package/key-ids.js';
import type { KojiRpm } from './koji-listing.js';

/** The file's name: the RPM's own, which need not be that of its build. */
export function packageNameOf({ name, version, release, arch }: Pick<KojiRpm, 'name' | 'version' | 'release' | 'arch'>): string {
  return `${name}-${version}-${release}.${arch}.rpm`;
}

/** Below Koji's top directory, best first: where a file signed with one of the keys may be. At last, the file as it was imported, which may have come signed. */
export function placesOf(rpm: KojiRpm, sigkeys: readonly string[]): readonly string[] {
  const file = packageNameOf(rpm);
  // Koji signs no scratch builds.
  if (rpm.task !== undefined) return [`${rpm.directory}/${file}`];
  const imported = `${rpm.directory}/${rpm.arch}/${file}`;
  const places = sigkeys.flatMap((wanted) => (wanted === '' ? [imported] : rpm.sigkeys.filter((key) => isSameKey(key, wanted)).map((key) => `${rpm.directory}/data/signed/${key}/${rpm.arch}/${file}`)));
  return [...new Set([...places, imported])];
}

/** A path or a URL. In URLs, `+` stays as it is: some servers read an encoded one as part of the name. */
export function locationBelow(top: string, place: string): string {
  if (top.startsWith('/')) return `${top.replace(/\/+$/, '')}/${place}`;
  return `${top.replace(/\/+$/, '')}/${place.split('/').map((part) => encodeURIComponent(part).replaceAll('%2B', '+')).join('/')}`;
}
