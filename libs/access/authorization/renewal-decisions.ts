import type { Compose } from '../../compose/compose.js';
import type { ComposeRequest } from '../../compose/compose-request.js';
import { MillraceError } from '../../errors/millrace-error.js';
import type { Principal } from '../principal.js';
import type { AuthorizationSettings, ComposeAttribute } from './authorization-schema.js';
import { requireAttributes } from './compose-decisions.js';
import { grantOf, requireRole } from './role-decisions.js';

/** What of a compose a renewal may ask to have otherwise. */
export interface RenewalChanges {
  readonly label?: string;
  readonly sigkeys?: readonly string[];
  readonly builds?: readonly string[];
  readonly modules?: readonly string[];
}

type Owned = Pick<Compose, 'id' | 'owner' | 'request'>;

/**
 * Whoever might ask for a compose like this may have it longer, or again; in ODCS anybody may change it on the way, too, which here only its owner and admins may.
 * Errors: `forbidden`.
 */
export function requireRenewal(settings: AuthorizationSettings, principal: Principal, { compose, changes }: { readonly compose: Owned; readonly changes: RenewalChanges }): void {
  const own = owns(settings, principal, compose);
  requireAttributes(settings, principal, renewed(compose.request, changes), own ? resolved(compose.request, changes) : []);
  const changed = changedFields(compose.request, changes);
  if (changed.length === 0 || own) return;
  throw new MillraceError('forbidden', `User ${principal.name} not allowed to renew compose (id=${compose.id}) with other ${changed.join(', ')}, it's owned by someone else.`);
}

/** Owners cancel and remove what is theirs, admins everything. Errors: `forbidden`, in ODCS's words. */
export function requireDeletion(settings: AuthorizationSettings, principal: Principal, compose: Pick<Compose, 'id' | 'owner' | 'state'>): void {
  if (owns(settings, principal, compose)) return;
  if (compose.state === 'wait' || compose.state === 'generating') throw new MillraceError('forbidden', `Compose (id=${compose.id}) can not be canceled, it's owned by someone else.`);
  requireRole(settings, principal, 'composes', 'admin');
}

function owns(settings: AuthorizationSettings, principal: Principal, { owner }: Pick<Compose, 'owner'>): boolean {
  return owner === principal.name || grantOf(settings, principal, 'composes', 'admin') !== undefined;
}

/**
 * What of these is not as it was asked for but as it was found: modules have become their builds, with all that they need besides. Its owner was allowed
 * to ask, and could not list what came of it.
 */
function resolved({ sourceType }: ComposeRequest, { builds = [] }: RenewalChanges): readonly ComposeAttribute[] {
  if (sourceType === 'module') return ['sources'];
  if (sourceType !== 'pungi_compose') return [];
  return builds.length === 0 ? ['arches', 'builds'] : ['arches'];
}

function renewed(request: ComposeRequest, { builds }: RenewalChanges): ComposeRequest {
  return builds === undefined || builds.length === 0 ? request : { ...request, builds };
}

/** ODCS takes an empty text, and an empty list of builds or modules, for none. */
function changedFields({ label, sigkeys, builds, modules }: ComposeRequest, changes: RenewalChanges): readonly string[] {
  return [
    ...(changes.label === undefined || changes.label === '' || changes.label === label ? [] : ['label']),
    ...(sameList(changes.sigkeys, sigkeys) ? [] : ['sigkeys']),
    ...(changes.builds?.length === 0 || sameList(changes.builds, builds) ? [] : ['builds']),
    ...(changes.modules?.length === 0 || sameList(changes.modules, modules) ? [] : ['modules']),
  ];
}

function sameList(wanted: readonly string[] | undefined, known: readonly string[]): boolean {
  return wanted === undefined || (wanted.length === known.length && wanted.every((item, index) => item === known[index]));
}
