import { MillraceError } from '../../errors/millrace-error.js';

/** A JSON object of a request whose shape is known to be right: texts, numbers, truth values and lists of texts, and objects only where they belong. */
export type Fields = Readonly<Record<string, unknown>>;

const lists = new Set(['packages', 'builds', 'sigkeys', 'modular_koji_tags', 'scratch_modules', 'scratch_build_tasks', 'modules', 'flags', 'results', 'arches', 'multilib_arches', 'multilib_method', 'lookaside_repos', 'parent_pungi_compose_ids']);
const texts = new Set(['type', 'module_defaults_url', 'module_defaults_commit', 'base_module_br_name', 'base_module_br_stream', 'label', 'compose_type', 'target_dir', 'respin_of']);
const integers = new Set(['seconds_to_live', 'koji_event', 'base_module_br_stream_version_lte', 'base_module_br_stream_version_gte']);
const urls = new Set(['source', 'lookaside_repos']);

const longestText = 65_536;
const longestItem = 4096;
// What ODCS takes everywhere, and for URLs what else RFC 3986 has in paths and queries. A package may have any visible character in its glob.
const plain = /^[\p{L}\p{N} \-/_.:#+?$~^,]*$/u;
const plainUrl = /^[\p{L}\p{N} \-/_.:#+?$~^,%=&@*!;()]*$/u;
const visible = /^[^\p{C}\p{Zl}\p{Zp}]*$/u;

/** Checks a request's body as ODCS does before it looks at meanings. Errors: `invalid-request`, which names the field. */
export function checkFields(body: unknown): Fields {
  const fields = objectOf(body, 'the body');
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'source') checkValues(objectOf(value, 'source'), 'source.');
    else checkValue(name, value, '');
  }
  return fields;
}

function objectOf(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`${name} should be a JSON object`);
  return value as Fields;
}

function checkValues(fields: Fields, place: string): void {
  for (const [name, value] of Object.entries(fields)) checkValue(name, value, place);
}

function checkValue(name: string, value: unknown, place: string): void {
  const field = `${place}${shown(name)}`;
  if (lists.has(name) && !Array.isArray(value)) throw wrong(`${field} should be a list`);
  if ((texts.has(name) || (name === 'source' && place !== '')) && typeof value !== 'string') throw wrong(`${field} should be a string`);
  if (integers.has(name) && (!Number.isSafeInteger(value) || (value as number) < 0)) throw wrong(`${field} should be an integer, and not negative`);
  if (Array.isArray(value)) value.forEach((item: unknown, index) => checkText(name, item, `${field}[${index}]`));
  else if (typeof value === 'string') checkText(name, value, field);
  else if (typeof value === 'object') throw wrong(`${field}: ${value === null ? 'null is no value; leave the field out' : "only 'source' may hold an object"}`);
}

function checkText(name: string, value: unknown, field: string): void {
  if (typeof value !== 'string') throw wrong(`${field} should be a string`);
  const limit = field.endsWith(']') ? longestItem : longestText;
  if (value.length > limit) throw wrong(`${field} is longer than ${limit} characters`);
  const allowed = name === 'packages' ? visible : urls.has(name) ? plainUrl : plain;
  if (!allowed.test(value)) {
    throw wrong(`${field} holds a character that is not allowed`, name === 'packages' ? 'Use visible characters only.' : `Use letters, digits and ${urls.has(name) ? ' -/_.:#+?$~^,%=&@*!;()' : ' -/_.:#+?$~^,'} only.`);
  }
  if (urls.has(name) && /(?:^|\s)[a-z][a-z0-9+.-]*:\/\/[^\s/?#]*@/i.test(value)) {
    throw wrong(`${field} holds a URL with a user name or a password`, 'Everybody can read a compose, its sources included: use a URL that needs none.');
  }
}

/** Names come from the client too. */
function shown(name: string): string {
  return name.length <= 64 && /^[\w.-]+$/.test(name) ? name : 'a field';
}

function wrong(message: string, suggestion?: string): MillraceError {
  return new MillraceError('invalid-request', message, suggestion === undefined ? {} : { suggestion });
}
