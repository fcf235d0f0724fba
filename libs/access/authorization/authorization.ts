import type { Compose } from '../../compose/compose.js';
import type { ComposeRequest } from '../../compose/compose-request.js';
import type { Capability, Principal, Role } from '../principal.js';
import { authorizationSchema } from './authorization-schema.js';
import type { AuthorizationSettings, PublicRead } from './authorization-schema.js';
import { decideAttributes, requireAttributes } from './compose-decisions.js';
import type { ComposeDecision } from './compose-decisions.js';
import { quotaOf } from './quota.js';
import type { Quota } from './quota.js';
import { requireDeletion, requireRenewal } from './renewal-decisions.js';
import type { RenewalChanges } from './renewal-decisions.js';
import { grantOf, requireRole, requireScope, rolesOf } from './role-decisions.js';
import type { ComposeScope } from './role-decisions.js';

/** What principals may do: pure, by the settings alone. `require…` answer nothing, or throw `forbidden` with a text for the caller. */
export interface Authorization {
  requireScope(principal: Principal, scope: ComposeScope): void;
  requireRole(principal: Principal, capability: Capability, role: Role): void;
  hasRole(principal: Principal, capability: Capability, role: Role): boolean;
  /** To ask for this compose; that they may ask for any is `requireRole(…, 'composes', 'writer')`. */
  requireRequest(principal: Principal, request: ComposeRequest): void;
  requireRenewal(principal: Principal, compose: Pick<Compose, 'id' | 'owner' | 'request'>, changes: RenewalChanges): void;
  requireDeletion(principal: Principal, compose: Pick<Compose, 'id' | 'owner' | 'state'>): void;
  quotaOf(principal: Principal): Quota;
  rolesOf(principal: Principal): Readonly<Record<Capability, readonly Role[]>>;
  /** Whether everybody may read these, without saying who they are. */
  isPublic(read: PublicRead): boolean;
  /** Why: for the dry run. */
  explain(principal: Principal, request: ComposeRequest): AccessExplanation;
}

export interface AccessExplanation {
  readonly roles: Readonly<Record<Capability, readonly Role[]>>;
  /** What of the settings makes the principal a client of composes; undefined: nothing does, and every request is refused. */
  readonly client: string | undefined;
  readonly attributes: ComposeDecision;
  readonly quota: Quota;
}

/** Without settings, the control credentials may do everything, and who need not say who they are everything with composes. */
export function createAuthorization(settings: AuthorizationSettings = authorizationSchema.parse({})): Authorization {
  return {
    requireScope: (principal, scope) => requireScope(settings, principal, scope),
    requireRole: (principal, capability, role) => requireRole(settings, principal, capability, role),
    hasRole: (principal, capability, role) => grantOf(settings, principal, capability, role) !== undefined,
    requireRequest: (principal, request) => requireAttributes(settings, principal, request),
    requireRenewal: (principal, compose, changes) => requireRenewal(settings, principal, { compose, changes }),
    requireDeletion: (principal, compose) => requireDeletion(settings, principal, compose),
    quotaOf: (principal) => quotaOf(settings, principal),
    rolesOf: (principal) => rolesOf(settings, principal),
    isPublic: (read) => settings.reads[read] === 'public',
    explain: (principal, request) => ({
      roles: rolesOf(settings, principal),
      client: grantOf(settings, principal, 'composes', 'writer'),
      attributes: decideAttributes(settings, principal, request),
      quota: quotaOf(settings, principal),
    }),
  };
}
