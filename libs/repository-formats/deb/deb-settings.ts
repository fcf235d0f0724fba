import { MillraceError } from '../../errors/millrace-error.js';
import type { DebSettings, RepositorySettings } from '../../repository/repository.js';

/** The settings of an apt repository. Errors: `invalid-setting` for a repository of another kind. */
export function debSettingsOf({ deb }: Pick<RepositorySettings, 'deb'>): DebSettings {
  if (deb === null) throw new MillraceError('invalid-setting', 'the repository has no settings of an apt repository');
  return deb;
}

/** What stands in sources.list behind the URL, and the folder below `dists/`: the codename, or the suite where there is none. */
export function debDistribution({ codename, suite }: Pick<DebSettings, 'codename' | 'suite'>): string {
  return codename === '' ? suite : codename;
}
