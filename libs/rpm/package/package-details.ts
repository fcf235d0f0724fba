import { refusal } from '../../inspection/refusal.js';
import type { PackageVersion } from '../version.js';
import type { RpmHeader } from './header.js';
import { tag } from './tags.js';

/** Name, epoch, version, release and architecture. */
export interface PackageIdentity extends PackageVersion {
  readonly name: string;
  readonly release: string;
  /** `src` for source packages, whatever they were built on. */
  readonly arch: string;
}

export interface Changelog {
  /** Seconds since 1970. */
  readonly time: number;
  readonly author: string;
  readonly text: string;
}

/** Throws a reason when the header does not say what the package is. */
export function readIdentity(header: RpmHeader): PackageIdentity {
  const part = (number: number, what: string): string => {
    const text = header.string(number);
    if (text === undefined || !/^[!-~]{1,1024}$/.test(text) || text.includes('/')) throw refusal(`the package's header has no valid ${what}`);
    return text;
  };
  return {
    name: part(tag.name, 'name'),
    epoch: header.numbers(tag.epoch)[0] ?? 0,
    version: part(tag.version, 'version'),
    release: part(tag.release, 'release'),
    arch: isSourcePackage(header) ? 'src' : part(tag.arch, 'architecture'),
  };
}

/** Every binary package names the source package that it was built from. */
export function isSourcePackage(header: RpmHeader): boolean {
  return header.string(tag.sourceRpm) === undefined;
}

/** In the order of the header: newest first, at most `limit`. Throws a reason when its lists differ in length. */
export function readChangelogs(header: RpmHeader, limit = Infinity): readonly Changelog[] {
  const times = header.numbers(tag.changelogTime).slice(0, limit);
  const authors = header.strings(tag.changelogName, limit);
  const texts = header.strings(tag.changelogText, limit);
  if (times.length !== authors.length || times.length !== texts.length) throw refusal("the package's changelog is damaged: times, authors and texts differ in number");
  return times.map((time, index) => ({ time, author: authors[index] as string, text: texts[index] as string }));
}
