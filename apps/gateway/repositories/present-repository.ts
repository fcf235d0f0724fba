import { MillraceError, isMillraceError } from '../../../libs/errors/millrace-error.js';
import { errorTable } from '../../../libs/errors/error-table.js';
import type { ErrorCode } from '../../../libs/errors/millrace-error.js';
import type { ListedPackage } from '../../../libs/repository/listed-package.js';
import type { ChangeProblem, RepositoryChange, RepositoryState } from '../../../libs/repository/repository-change.js';
import type { Repository } from '../../../libs/repository/repository.js';
import type { ChangePreview } from '../../../libs/repository-record/repository-record.js';
import type { RepositoryStores } from '../../../libs/repository-stores/repository-stores.js';
import type { Settings } from '../../../libs/settings/settings.js';
import { repositoryWorkflowId } from '../../../workflows/repository/repository-messages.js';
import { workflowLink } from '../http/workflow-link.js';
import type { ChangePreviewView, ChangeView } from './change-schemas.js';
import type { PackageView, RepositoryView, StateView } from './repository-schemas.js';

export const pathOf = (name: string): string => `/v1/repositories/${encodeURIComponent(name)}`;

export function presentRepository(repository: Repository, { settings, stores }: { readonly settings: Settings; readonly stores: Pick<RepositoryStores, 'publicUrl'> }): RepositoryView {
  const self = pathOf(repository.name);
  return {
    ...repository,
    settings: { ...repository.settings },
    links: { self, files: `${filesOf(repository.name, settings)}/`, bucket: bucketOf(repository, stores), packages: `${self}/packages`, changes: `${self}/changes`, states: `${self}/states`, workflow: workflowLink(settings, repositoryWorkflowId(repository.name)) },
  };
}

export function filesOf(name: string, { repositoryUrl }: Pick<Settings, 'repositoryUrl'>): string {
  return `${repositoryUrl}/${encodeURIComponent(name)}`;
}

/** A store that the settings have lost must not hide what is known of its repositories. */
function bucketOf({ place }: Repository, stores: Pick<RepositoryStores, 'publicUrl'>): string | null {
  try {
    return stores.publicUrl(place) ?? null;
  } catch (error) {
    if (isMillraceError(error)) return null;
    throw error;
  }
}

/** Of a file below the public URL of repositories. */
export function fileUrl(files: string, path: string): string {
  return `${files}/${path.split('/').map(encodeURIComponent).join('/')}`;
}

export function presentPackage(listed: ListedPackage, files: string): PackageView {
  const { key, sha256, size, path, name, version, architecture, component, addedAt } = listed;
  return { key, sha256, size, path, name, version, architecture, component, addedAt, url: fileUrl(files, path) };
}

export function presentChange({ id, repository, request, by, force, phase, outcome, problem, requestedAt, endedAt }: RepositoryChange): ChangeView {
  const self = pathOf(repository);
  return {
    id,
    repository,
    kind: request.kind,
    request: { ...request },
    by,
    force,
    phase,
    outcome: outcome === null ? null : { state: outcome.state, added: [...outcome.added], same: [...outcome.same], removed: [...outcome.removed], obsoleted: [...outcome.obsoleted] },
    problem: problem === null ? null : presentProblem(problem),
    requestedAt,
    endedAt,
    links: { self: `${self}/changes/${id}`, repository: self },
  };
}

function presentProblem({ code, message, details }: ChangeProblem): NonNullable<ChangeView['problem']> {
  return { code, message, details: details.map((each) => ({ ...each })) };
}

export function presentPreview({ added, same, removed, obsoleted, problem }: ChangePreview, files: string): ChangePreviewView {
  const present = (packages: readonly ListedPackage[]): PackageView[] => packages.map((each) => presentPackage(each, files));
  return { dryRun: true, added: present(added), same: [...same], removed: present(removed), obsoleted: present(obsoleted), problem: problem === undefined ? null : presentProblem(problem) };
}

export function presentState(state: RepositoryState): StateView {
  const { at, kinds, by, packages, bytes, added, removed, index } = state;
  return { state: state.state, at, kinds: [...kinds], by: [...by], packages, bytes, added, removed, index: index.map(({ path, sha256, size }) => ({ path, sha256, size })) };
}

/** What a change failed with, as the error of whoever waits for it. */
export function changeError({ code, message, details }: ChangeProblem): MillraceError {
  const known: ErrorCode = code in errorTable ? (code as ErrorCode) : 'internal';
  const suggestion = suggestions[known];
  return new MillraceError(known, message, { details, ...(suggestion === undefined ? {} : { suggestion }) });
}

const suggestions: Partial<Record<ErrorCode, string>> = {
  'change-guarded': 'Look with a dry run ("dryRun": true, --dry-run) at what would go; an admin may ask for it by force ("force": true, --force).',
  'package-conflict': 'Nothing was changed. Build the package again with another version or revision.',
  'upload-not-found': 'Upload the package again.',
};
