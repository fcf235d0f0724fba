import type { AccessSettings } from './access-settings.js';
import { isAmong } from './authorization/role-decisions.js';
import type { Principal } from './principal.js';

/** What is allowed in an access file and hardly ever meant. */
export function accessAdvice({ authentication, authorization }: AccessSettings): readonly string[] {
  const { composes, quotas } = authorization;
  const { users, groups } = composes.allowed_clients;
  const advice: string[] = [];
  for (const user of composes.admins.users.filter((name) => !mayAsk(authorization, { name, groups: [] }))) {
    advice.push(`authorization.composes.admins.users: ${user} may cancel and delete every compose, but is no client by name, and asks for one only as a member of a group that is`);
  }
  for (const group of composes.admins.groups.filter((name) => !mayAsk(authorization, { name: '', groups: [name] }))) {
    advice.push(`authorization.composes.admins.groups: ${group} may cancel and delete every compose, but is no client, and may not ask for one by that`);
  }
  if (authentication['openid-connect'] !== undefined && composes.scope_base === undefined) {
    advice.push('authorization.composes.scope_base is not set: a token needs no scope of its own to ask for composes, renew and delete them');
  }
  if (Object.keys(users).length + Object.keys(groups).length > 0 && Object.keys({ ...quotas.default, ...quotas.users, ...quotas.groups }).length === 0) {
    advice.push('authorization.quotas is empty: each client may have as many composes as it likes');
  }
  return advice;
}

function mayAsk({ composes: { allowed_clients: clients }, roles }: AccessSettings['authorization'], who: Pick<Principal, 'name' | 'groups'>): boolean {
  const principal: Principal = { ...who, by: 'bearer', scopes: undefined };
  if (Object.hasOwn(clients.users, who.name) || who.groups.some((group) => Object.hasOwn(clients.groups, group))) return true;
  return isAmong(roles.composes.writer, principal) || isAmong(roles.composes.admin, principal);
}
