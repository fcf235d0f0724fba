import type { RepositoryKind } from '../repository/repository.js';
import { debFormat } from './deb/deb-format.js';
import { haikuFormat } from './haiku/haiku-format.js';
import type { PackageFormat } from './package-format.js';
import { rpmFormat } from './rpm/rpm-format.js';

/** Every kind of repository that there is. */
export const repositoryFormats: Readonly<Record<RepositoryKind, PackageFormat>> = { haiku: haikuFormat, rpm: rpmFormat, deb: debFormat };
