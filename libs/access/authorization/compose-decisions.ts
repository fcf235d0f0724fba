import type { ComposeRequest } from '../../compose/compose-request.js';
import { MillraceError } from '../../errors/millrace-error.js';
import type { Principal } from '../principal.js';
import { composeAttributes } from './authorization-schema.js';
import type { AllowedAttributes, AuthorizationSettings, ComposeAttribute } from './authorization-schema.js';
import { allowedValues, allows, attributesOf } from './compose-attributes.js';
import { grantOf } from './role-decisions.js';

export interface Refusal {
  readonly attribute: ComposeAttribute;
  /** The first of the request that the entry does not list. */
  readonly value: string;
}

/** What one place of the settings says of a request. */
export interface EntryDecision {
  /** `composes.allowed_clients.groups.packagers`, or in words why no entry is asked. */
  readonly entry: string;
  readonly refusals: readonly Refusal[];
}

export interface ComposeDecision {
  readonly allowed: boolean;
  /** In the order in which they are asked, up to the one that allows it. Empty: nothing in the settings names the client. */
  readonly entries: readonly EntryDecision[];
}

/** Whether somebody may have a compose with these attributes, by the rules of ODCS (../shared/reference/odcs.md, section 2). Whether they are clients at all is asked before. */
export function decideAttributes(settings: AuthorizationSettings, principal: Principal, request: ComposeRequest, aside: readonly ComposeAttribute[] = []): ComposeDecision {
  const unrestricted = grantOf(settings, principal, 'composes', 'admin');
  if (unrestricted !== undefined) return { allowed: true, entries: [{ entry: unrestricted, refusals: [] }] };
  const attributes = { ...attributesOf(request), ...Object.fromEntries(aside.map((attribute) => [attribute, []])) };
  const entries: EntryDecision[] = [];
  for (const { entry, values } of entriesOf(settings, principal)) {
    const refusals = refusalsOf(attributes, values, settings.composes.allowed);
    entries.push({ entry, refusals });
    if (refusals.length === 0) return { allowed: true, entries };
  }
  return { allowed: false, entries };
}

interface Entry {
  readonly entry: string;
  readonly values: AllowedAttributes;
}

/** Who is listed by name is not asked for groups. */
function entriesOf(settings: AuthorizationSettings, principal: Principal): readonly Entry[] {
  const { name, groups } = principal;
  const { users, groups: listed } = settings.composes.allowed_clients;
  const own = Object.hasOwn(users, name) ? users[name] : undefined;
  if (own !== undefined) return [{ entry: `composes.allowed_clients.users.${name}`, values: own }];
  const entries = groups.flatMap((group) => {
    const values = Object.hasOwn(listed, group) ? listed[group] : undefined;
    return values === undefined ? [] : [{ entry: `composes.allowed_clients.groups.${group}`, values }];
  });
  const role = grantOf({ ...settings, composes: { ...settings.composes, allowed_clients: { users: {}, groups: {} } } }, principal, 'composes', 'writer');
  return role === undefined ? entries : [...entries, { entry: role, values: {} }];
}

function refusalsOf(attributes: Readonly<Record<ComposeAttribute, readonly string[]>>, entry: AllowedAttributes, everybody: AllowedAttributes): readonly Refusal[] {
  return composeAttributes.flatMap((attribute) => {
    const allowed = allowedValues(attribute, entry, everybody);
    const value = attributes[attribute].find((each) => !allows(allowed, each));
    return value === undefined ? [] : [{ attribute, value }];
  });
}

/** `aside`: what is not judged. Errors: `forbidden`, in ODCS's words. */
export function requireAttributes(settings: AuthorizationSettings, principal: Principal, request: ComposeRequest, aside: readonly ComposeAttribute[] = []): void {
  const { allowed, entries } = decideAttributes(settings, principal, request, aside);
  if (!allowed) throw new MillraceError('forbidden', refusalText(principal.name, entries));
}

const longestText = 4096;

export function refusalText(name: string, entries: readonly EntryDecision[]): string {
  const texts = entries.flatMap(({ refusals }) => refusals.map(({ attribute, value }) => `User ${name} not allowed to operate with compose with ${attribute}=${value}.`));
  const text = texts.length === 0 ? `User ${name} not allowed to operate with any compose.` : [...new Set(texts)].join(' ');
  return text.length > longestText ? `${text.slice(0, longestText).toWellFormed()}…` : text;
}
