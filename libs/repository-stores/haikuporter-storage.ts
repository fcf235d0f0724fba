import { z } from 'zod';
import { MillraceError } from '../errors/millrace-error.js';
import { isPlainEndpoint, regionPattern } from '../object-storage/bucket-location.js';
import { readText } from '../settings-file/read-secret.js';

/** HaikuPorter's `--storage-backend-config`: a package repository in a bucket. */
export interface HaikuPorterStorage {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly bucket: string;
  /** As it is written: HaikuPorter puts it before names without a slash between. */
  readonly prefix: string;
}

const required = z.string('must be a string').min(1, 'must not be empty');
/** What no service can take is a mistake of the file, and not to be tried again and again: such as the line end of a key that was copied with it. */
const credential = required.regex(/^[\x21-\x7e]+$/, 'must have no blanks, line ends or other characters that cannot be seen');
const longestPrefix = 500;
const schema = z.object({
  backend_type: required,
  endpoint_url: z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }).refine(isPlainEndpoint, 'must not hold credentials, a query or a fragment'),
  region_name: required.regex(regionPattern, 'must be the name of a region').optional(),
  access_key_id: credential,
  secret_access_key: credential,
  bucket_name: required.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/, 'must be the name of a bucket, without a prefix'),
  prefix: z
    .string('must be a string')
    .regex(/^[^\0-\x1f\x7f]*$/, 'must not have control characters')
    .refine((prefix) => Buffer.byteLength(prefix) <= longestPrefix, `must have at most ${longestPrefix} bytes`)
    .default(''),
});

/** Keys that HaikuPorter does not know either are passed over, as it does. Errors: `invalid-setting`, without a secret. */
export async function readHaikuPorterStorage(file: string): Promise<HaikuPorterStorage> {
  const invalid = (what: string): MillraceError => new MillraceError('invalid-setting', `${file}: ${what}`, { suggestion: 'docs/reference/object-storage.md has HaikuPorter’s storage configuration.' });
  const value = parseJson(await readText(file), invalid);
  const type: unknown = value['backend_type'];
  if (typeof type === 'string' && type !== '' && type !== 's3') throw invalid(`unknown backend type ${JSON.stringify(type.slice(0, 100))}: only s3 is known`);
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalid(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
  const { endpoint_url: endpoint, region_name: region = 'us-east-1', access_key_id: accessKeyId, secret_access_key: secretAccessKey, bucket_name: bucket, prefix } = parsed.data;
  const folder = prefix.replace(/^\/+|\/+$/g, '');
  if (folder.split('/').some((part, _, parts) => part === '.' || part === '..' || (part === '' && parts.length > 1))) throw invalid('prefix: must not have a part that is empty, . or ..');
  return { endpoint, region, accessKeyId, secretAccessKey, bucket, prefix: prefix.replace(/^\/+/, '') };
}

function parseJson(text: string, invalid: (what: string) => MillraceError): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message shows a piece of the text, which holds a secret.
    throw invalid('is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('must be a JSON object');
  return value as Record<string, unknown>;
}
