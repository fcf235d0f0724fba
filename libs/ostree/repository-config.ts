/** The file `config` of a repository in archive mode. */
export const archiveConfig = '[core]\nrepo_version=1\nmode=archive-z2\n';
