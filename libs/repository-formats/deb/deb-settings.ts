import { MillraceError } from '../../errors/millrace-error.js';
import type { DebSettings, RepositorySettings } from '../../repository/repository.js';

/** The settings of an apt repository. Errors: `invalid-setting` for a repository of another kind. */
export function debSettingsOf({ deb }: Pick<RepositorySettings, 'deb'>): DebSettings {
  if (deb === null) throw new MillraceError('invalid-setting', 'the repository has no settings of an apt repository');
  return deb;
}
