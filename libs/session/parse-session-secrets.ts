import { MillraceError } from '../errors/millrace-error.js';
import type { SessionSecret } from './session-secrets.js';

/** Where fetch-service's JSON keeps the credentials of each type. */
const credentialsKey: Readonly<Record<SessionSecret['type'], string>> = {
  'basic-auth': 'basic-credentials',
  macaroon: 'macaroon-credentials',
  'keystone-v3': 'keystone-v3-credentials',
};

const mostSecrets = 256;
const longestField = 64 * 1024;

/**
 * Reads `secrets` of `POST /session`; absent or null means none. Errors: `invalid-secret` with fetch-service's words, which its
 * clients show to their users. A message never holds a credential.
 */
export function parseSessionSecrets(value: unknown): readonly SessionSecret[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid('secrets must be a list');
  if (value.length > mostSecrets) throw invalid(`more than ${mostSecrets} secrets`);
  return value.map((item: unknown) => parseSecret(item));
}

function parseSecret(item: unknown): SessionSecret {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) throw invalid('each secret must be an object');
  const fields = item as Readonly<Record<string, unknown>>;
  const type = field(fields, 'type');
  if (type === '') throw invalid('missing type');
  if (!isSecretType(type)) throw invalid('invalid type');
  const url = field(fields, 'url');
  if (url === '') throw invalid('missing url');
  const credentials = field(fields, credentialsKey[type]);
  if (credentials === '') throw invalid(`missing credentials for '${type}'`);
  // They become header values: a line break would let them add headers of their own.
  if (/[\u0000-\u001f\u007f]/.test(credentials)) throw invalid(`control characters in the credentials for '${type}'`);
  return { type, url, credentials };
}

function field(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw invalid(`${name} must be a string`);
  if (value.length > longestField) throw invalid(`${name} is too long`);
  return value;
}

function isSecretType(type: string): type is SessionSecret['type'] {
  return Object.hasOwn(credentialsKey, type);
}

function invalid(problem: string): MillraceError {
  return new MillraceError('invalid-secret', `Invalid secret: ${problem}`);
}
