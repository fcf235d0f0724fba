import type { Authorization } from '../../../libs/access/authorization/authorization.js';
import type { Principal, Role } from '../../../libs/access/principal.js';
import { MillraceError } from '../../../libs/errors/millrace-error.js';
import type { RecordedSession } from '../gateway-ports.js';

/** Owners do with their sessions what they like; others need a role for it. Errors: `forbidden`. */
export function requireOwnSession(authorization: Authorization, caller: Principal, { session, role }: { readonly session: RecordedSession; readonly role: Role }): void {
  if (session.owner === caller.name || authorization.hasRole(caller, 'sessions', role)) return;
  throw new MillraceError('forbidden', `User ${caller.name} does not own this session, and does not have the role ${role} of sessions`, { suggestion: 'An operator gives the role under roles.sessions of the access file.' });
}
