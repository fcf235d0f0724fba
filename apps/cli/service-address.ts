import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import type { Environment } from '../../libs/settings/settings.js';

/** Where a service is and how to speak to it. */
export interface ServiceAddress {
  /** Base URL of the control API, without a slash at its end. */
  readonly control: string;
  /** Header `Authorization`. */
  readonly authorization: string;
  /** Where `control` was learnt, for messages. */
  readonly source: string;
}

const addressesSchema = z.object({ control: z.url() });

/** Takes `--server`, then `MILLRACE_SERVER`, then `$MILLRACE_HOME/addresses.json`. Errors: `service-unavailable`, `unauthorized`, `invalid-request`. */
export async function locateService(server: string | undefined, environment: Environment): Promise<ServiceAddress> {
  const home = homeOf(environment);
  const file = path.join(home, 'addresses.json');
  const [address, source] = given(server) !== undefined ? [server, '--server'] : [given(environment.MILLRACE_SERVER), 'MILLRACE_SERVER'];
  const control = address === undefined ? baseUrl((await readAddresses(file)).control, file) : baseUrl(address, source);
  return { control, authorization: await readAuthorization(home, environment), source: address === undefined ? file : source };
}

/** The service's home on this machine, absolute. */
export function homeOf(environment: Environment): string {
  return path.resolve(given(environment.MILLRACE_HOME) ?? '.millrace');
}

async function readAddresses(file: string): Promise<z.infer<typeof addressesSchema>> {
  try {
    return addressesSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    const absent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new MillraceError(
      'service-unavailable',
      absent ? `no Millrace service is known: there is no ${file}` : `${file} does not hold the addresses of a service`,
      {
        cause,
        suggestion: 'Start one with `npm start`, or name one with --server URL or MILLRACE_SERVER.',
      },
    );
  }
}

/** A token where there is one: whoever sets it means to be themselves, and not whoever knows the password of the service. */
async function readAuthorization(home: string, environment: Environment): Promise<string> {
  const token = given(environment.MILLRACE_TOKEN);
  if (token === undefined) return basicAuthorization(await readCredentials(home, environment));
  if (!/^[\w.~+/-]+=*$/.test(token)) throw new MillraceError('unauthorized', 'MILLRACE_TOKEN must hold a bearer token and nothing else');
  return `Bearer ${token}`;
}

/** Of `user:password`. */
export function basicAuthorization(credentials: string): string {
  return `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}`;
}

async function readCredentials(home: string, environment: Environment): Promise<string> {
  const direct = given(environment.MILLRACE_CONTROL_AUTH) ?? given(environment.FETCH_SERVICE_AUTH);
  if (direct !== undefined) return checked(direct, 'MILLRACE_CONTROL_AUTH');
  const file = given(environment.MILLRACE_CONTROL_AUTH_FILE) ?? path.join(home, 'control-auth');
  try {
    return checked((await readFile(file, 'utf8')).trim(), file);
  } catch (cause) {
    throw new MillraceError('unauthorized', `no credentials for the control API: cannot read ${file}`, {
      cause,
      suggestion: 'Set MILLRACE_CONTROL_AUTH to user:password, or MILLRACE_HOME to the home of the service.',
    });
  }
}

function checked(credentials: string, source: string): string {
  if (!/^[^:]+:.+$/.test(credentials)) throw new MillraceError('unauthorized', `${source} must hold user:password, neither of them empty`);
  return credentials;
}

function baseUrl(text: string, source: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new MillraceError('invalid-request', `${source}: ${text} is not an http(s) URL`);
  if (url.username !== '' || url.password !== '') {
    throw new MillraceError('invalid-request', `${source} must not hold credentials`, { suggestion: 'Set MILLRACE_CONTROL_AUTH to user:password.' });
  }
  return url.href.replace(/\/+$/, '');
}

function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
