import { MillraceError } from '../../errors/millrace-error.js';
import { capabilities, roles } from '../principal.js';
import type { Capability, Principal, Role } from '../principal.js';
import type { AuthorizationSettings } from './authorization-schema.js';

interface People {
  readonly users: readonly string[];
  readonly groups: readonly string[];
}

export function isAmong(people: People, { name, groups }: Principal): boolean {
  return people.users.includes(name) || groups.some((group) => people.groups.includes(group));
}

/** Where in the settings somebody has a role; undefined: nowhere. */
export function grantOf(settings: AuthorizationSettings, principal: Principal, capability: Capability, role: Role): string | undefined {
  if (principal.by === 'control') return 'the control credentials';
  // As in ODCS: where nobody has to say who they are, everybody has every role. Of other capabilities nobody unnamed has any.
  if (principal.by === 'none') return capability === 'composes' ? 'nobody has to say who they are' : undefined;
  const given = roles.slice(roles.indexOf(role)).find((each) => isAmong(settings.roles[capability][each], principal));
  if (given !== undefined) return `roles.${capability}.${given}`;
  return capability === 'composes' ? odcsGrant(settings.composes, principal, role) : undefined;
}

/** ODCS's own two roles. Its admins may ask for composes only if they are allowed clients, too. */
function odcsGrant({ allowed_clients: clients, admins }: AuthorizationSettings['composes'], principal: Principal, role: Role): string | undefined {
  if (role !== 'writer' && isAmong(admins, principal)) return 'composes.admins';
  if (role === 'admin') return undefined;
  const { name, groups } = principal;
  if (Object.hasOwn(clients.users, name)) return `composes.allowed_clients.users.${name}`;
  const group = groups.find((each) => Object.hasOwn(clients.groups, each));
  return group === undefined ? undefined : `composes.allowed_clients.groups.${group}`;
}

/** Errors: `forbidden`, in ODCS's words where it has some. */
export function requireRole(settings: AuthorizationSettings, principal: Principal, capability: Capability, role: Role): void {
  if (grantOf(settings, principal, capability, role) !== undefined) return;
  if (capability === 'composes' && role !== 'reader') throw new MillraceError('forbidden', `User ${principal.name} is not in role ${role === 'admin' ? 'admins' : 'allowed_clients'}.`);
  throw new MillraceError('forbidden', `User ${principal.name} does not have the role ${role} of ${capability}`, { suggestion: `An operator gives it under roles.${capability} of the access file, to the user or to a group.` });
}

/** Of each capability. An admin of composes in ODCS's sense is no writer by that. */
export function rolesOf(settings: AuthorizationSettings, principal: Principal): Readonly<Record<Capability, readonly Role[]>> {
  const held = (capability: Capability): readonly Role[] => roles.filter((role) => grantOf(settings, principal, capability, role) !== undefined);
  return Object.fromEntries(capabilities.map((capability) => [capability, held(capability)])) as Record<Capability, readonly Role[]>;
}

export const composeScopes = ['new-compose', 'renew-compose', 'delete-compose'] as const;
export type ComposeScope = (typeof composeScopes)[number];

/** Whatever the mechanism, if it has scopes. Errors: `forbidden`. */
export function requireScope({ composes: { scope_base: base } }: AuthorizationSettings, { scopes }: Principal, scope: ComposeScope): void {
  if (base === undefined || scopes === undefined || scopes.includes(`${base}${scope}`)) return;
  throw new MillraceError('forbidden', `Request does not have required scope ${scope}`);
}
