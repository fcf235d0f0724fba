import { MillraceError } from '../../errors/millrace-error.js';
import type { DebSettings, RepositorySettings } from '../../repository/repository.js';

/** One segment of a path. */
export const componentPattern = /^[A-Za-z0-9][A-Za-z0-9+._-]{0,63}$/;
const architecture = /^[a-z0-9][a-z0-9-]{0,63}$/;
/** `bookworm`, `bookworm/updates` */
const distribution = /^[A-Za-z0-9][A-Za-z0-9+.~_-]{0,63}(?:\/[A-Za-z0-9][A-Za-z0-9+.~_-]{0,63}){0,3}$/;
/** Words that a list of a repository's architectures has, but that are none. */
const noArchitectures: ReadonlySet<string> = new Set(['all', 'any', 'source']);

/** The settings of an apt repository. Errors: `invalid-setting` for a repository of another kind. */
export function debSettingsOf({ deb }: Pick<RepositorySettings, 'deb'>): DebSettings {
  if (deb === null) throw new MillraceError('invalid-setting', 'the repository has no settings of an apt repository');
  return deb;
}

/**
 * Refuses settings that apt could not read, or that would lead out of the repository. Errors: `invalid-request`, with every field that is wrong.
 */
export function checkDebSettings(settings: DebSettings): void {
  const texts = [settings.origin, settings.label, settings.description, settings.suite, settings.codename];
  const wrong = [
    ...(texts.every((text) => /^[^\0-\x1f\x7f]{0,500}$/.test(text)) ? [] : ['origin, label, suite, codename and description are one line each, of at most 500 characters']),
    ...(distribution.test(debDistribution(settings)) ? [] : ['codename (or suite) is the name of a folder: letters, digits, "+", ".", "~", "_" and "-"']),
    ...(settings.components.length > 0 && settings.components.every((name) => componentPattern.test(name)) ? [] : ['components are at least one name of letters, digits, "+", ".", "_" and "-"']),
    ...(settings.architectures.length > 0 && settings.architectures.every((name) => architecture.test(name) && !noArchitectures.has(name)) ? [] : ['architectures are at least one such as "amd64"; packages for "all" are in the index of each']),
    ...([settings.components, settings.architectures].every((names) => new Set(names).size === names.length && names.length <= 100) ? [] : ['components and architectures are at most 100 each, none twice']),
    ...(settings.validSeconds === null || (Number.isInteger(settings.validSeconds) && settings.validSeconds > 0) ? [] : ['validSeconds is a number of seconds, or null']),
  ];
  if (wrong.length > 0) throw new MillraceError('invalid-request', `the settings of the apt repository are wrong: ${wrong.join('; ')}`);
}

/** What stands in sources.list behind the URL, and the folder below `dists/`: the codename, or the suite where there is none. */
export function debDistribution({ codename, suite }: Pick<DebSettings, 'codename' | 'suite'>): string {
  return codename === '' ? suite : codename;
}
