import { MillraceError } from '../errors/millrace-error.js';

export interface BucketLocation {
  readonly bucket: string;
  /** Empty, or a folder with a slash at its end. */
  readonly prefix: string;
  /** http(s) URL of the service; undefined: what the SDK finds (`AWS_ENDPOINT_URL_S3`, or the region's own). */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** `endpoint/bucket/key` in the place of `bucket.endpoint/key`. */
  readonly pathStyle: boolean;
}

const parameters: ReadonlySet<string> = new Set(['endpoint', 'region', 'path-style']);

/**
 * Reads `s3://bucket/prefix?endpoint=https://…&region=…&path-style=1`. A prefix is a folder, whether or not it ends in a slash. Credentials never stand in it:
 * they come from the environment, files or roles, as the SDK looks for them. Errors: `invalid-setting`.
 */
export function parseBucketUrl(text: string, name = 'the bucket'): BucketLocation {
  const url = URL.parse(text);
  if (url?.protocol !== 's3:' || url.hostname === '') throw wrong(name, 'must be an s3://bucket/prefix URL');
  if (url.username !== '' || url.password !== '') throw wrong(name, 'must not hold credentials', 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role.');
  const unknown = [...url.searchParams.keys()].filter((key) => !parameters.has(key));
  if (unknown.length > 0) throw wrong(name, `has the unknown parameter ${unknown.join(', ')}`);
  const endpoint = url.searchParams.get('endpoint') ?? undefined;
  if (endpoint !== undefined && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) throw wrong(name, 'has an endpoint that is no http(s) URL');
  if (endpoint !== undefined && !isPlainEndpoint(endpoint)) throw wrong(name, 'has an endpoint that holds credentials, a query or a fragment');
  if (url.hash !== '') throw wrong(name, 'must not have a fragment', 'Write a # of the prefix as %23.');
  const region = url.searchParams.get('region') ?? 'us-east-1';
  if (!regionPattern.test(region)) throw wrong(name, 'has a region that is none: region must be letters, digits, "-" and "_"');
  const pathStyle = url.searchParams.get('path-style') ?? (endpoint === undefined ? '0' : '1');
  if (!['0', '1'].includes(pathStyle)) throw wrong(name, 'has a path-style that is none: path-style must be 0 or 1');
  const segments = prefixOf(url, name).split('/').filter((segment) => segment !== '');
  if (/[\0-\x1f\x7f]/.test(segments.join('/'))) throw wrong(name, 'has a prefix with a control character');
  if (segments.some((segment) => segment === '.' || segment === '..')) throw wrong(name, 'has a prefix with . or ..');
  return {
    bucket: url.hostname,
    prefix: segments.length === 0 ? '' : `${segments.join('/')}/`,
    endpoint,
    region,
    pathStyle: pathStyle === '1',
  };
}

function prefixOf(url: URL, name: string): string {
  try {
    return decodeURIComponent(url.pathname);
  } catch {
    throw wrong(name, 'must be an s3://bucket/prefix URL: its prefix has a % that begins no byte', 'Write a % of the prefix as %25.');
  }
}

export const regionPattern = /^[A-Za-z0-9_-]{1,100}$/;

/** Credentials in it would be left out, and told in messages. */
export function isPlainEndpoint(endpoint: string): boolean {
  const url = URL.parse(endpoint);
  return url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
}

function wrong(name: string, what: string, suggestion?: string): MillraceError {
  return new MillraceError('invalid-setting', `${name} ${what}`, suggestion === undefined ? {} : { suggestion });
}
