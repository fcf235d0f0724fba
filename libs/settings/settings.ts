import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { MillraceError } from '../errors/millrace-error.js';

/** All that a Millrace process is told from outside; read once at start and frozen. See docs/reference/settings.md. */
export interface Settings {
  /** Absolute path: embedded data, secrets of mode 0600, spool. */
  readonly home: string;
  /** Address that gateway and proxy listen on; `localhost` means both 127.0.0.1 and ::1. */
  readonly host: string;
  /** 0 means any free port. */
  readonly controlPort: number;
  readonly proxyPort: number;
  readonly cachePort: number;
  /** `postgresql://…`; undefined: the embedded server of `npm start`. */
  readonly databaseUrl: string | undefined;
  /** `host:port`; undefined: the embedded server of `npm start`. */
  readonly temporalAddress: string | undefined;
  readonly temporalNamespace: string;
  /** Base address of the Temporal UI, for links; undefined when unknown. */
  readonly temporalUi: string | undefined;
  /** `file:` or `s3:` URL of the blob store. */
  readonly blobs: string;
  /** `user:password` of the control API. */
  readonly controlAuth: string;
  readonly upstreamProxy: string | undefined;
  /** Comma list of host names or globs that go around the upstream proxy. */
  readonly upstreamNoProxy: readonly string[];
  /** PEM file with authorities trusted for upstream besides the system's. */
  readonly upstreamCa: string | undefined;
  /** CIDRs that sessions may reach although they are loopback, link-local or private. */
  readonly allowDestinations: readonly string[];
  /** The service's own ports on this machine: sessions never reach them, whatever is allowed. */
  readonly forbiddenPorts: readonly number[];
  /** Whether sessions may ask for permissive. */
  readonly permissive: boolean;
  /** Absolute path of the service's own policy document; undefined: none. */
  readonly policyFile: string | undefined;
  /** How many proxy processes `npm start` runs on the one proxy port. */
  readonly proxyProcesses: number;
  /** Threads that inspect responses in each proxy process; undefined: as many as the machine has cores, at least 2. */
  readonly inspectionThreads: number | undefined;
  /** Authority that signs the certificates of intercepted hosts (PEM files); undefined: made in `home`. */
  readonly caCertificate: string | undefined;
  readonly caKey: string | undefined;
  /** Keep the bodies of inspected artefacts in the blob store until the session ends. */
  readonly keepBodies: boolean;
  /** Absolute path: where composes are written and served from. Hard links need it on the file system of `blobs`, or of `home` where those are in a bucket. */
  readonly composes: string;
  /** Public URL of that directory, without a slash at its end: `result_repo` and its kin start with it. */
  readonly composeUrl: string;
  /** `s3://bucket/prefix?endpoint=…`: composes of the default place are published there, too. See `libs/object-storage/bucket-location.ts`. */
  readonly composeBucket: string | undefined;
  /** Other places that requests may name as `target_dir`: name to absolute path. They have no public URL. */
  readonly composeTargetDirs: Readonly<Record<string, string>>;
  /** Absolute paths that repositories may be read from. Empty: composes are made of http(s) sources only. */
  readonly composeSourcePaths: readonly string[];
  /** CIDRs that sources of composes may be fetched from although they are loopback, link-local or private. */
  readonly composeAllowDestinations: readonly string[];
  /** Composes that one worker generates at once; undefined: as many as the machine has cores, at least 2. */
  readonly composeConcurrency: number | undefined;
  /** Seconds. */
  readonly composeSecondsToLive: number;
  readonly composeMaximumSecondsToLive: number;
  /** Seconds that a compose stays after a name has moved on from it: its clients still read what they have begun. */
  readonly composeNameGrace: number;
  /** Seconds that one generation may take. */
  readonly composeTimeout: number;
  /** What requests without `arches` and `sigkeys` mean. */
  readonly composeArches: readonly string[];
  readonly composeSigkeys: readonly string[];
  /** `noauth`: everybody who reaches the gateway may ask for composes, as in ODCS; `basic`: only with the control API's credentials. */
  readonly composeAuth: 'noauth' | 'basic';
  /** The Koji hub that tags and builds are read from, and its files: URL or absolute path of Koji's top directory. Undefined: no such composes. */
  readonly koji: { readonly hub: string; readonly top: string } | undefined;
  /** The module build service that modules are read from, such as `https://mbs.example/module-build-service`; undefined: no composes of modules. */
  readonly moduleBuildService: string | undefined;
  /** Absolute paths of YAML files, undefined: none. Which Pulp server content sets are read from. */
  readonly pulpFile: string | undefined;
  /** Which configurations of Pungi there are, and how Pungi and lorax are run. */
  readonly pungiFile: string | undefined;
  /** Who callers are and what they may do; undefined: the control credentials, and `composeAuth`. */
  readonly accessFile: string | undefined;
  /** Which messages of which bus make composes by themselves. */
  readonly rulesFile: string | undefined;
  /** Where package repositories lie: a `file:` or `s3:` URL, or the absolute path of HaikuPorter's storage configuration (JSON). */
  readonly repositories: string;
  /** Public URL of the repositories that the gateway serves, without a slash at its end. */
  readonly repositoryUrl: string;
  /** YAML files: further places of repositories; the keys that they are signed with. */
  readonly repositoryStoresFile: string | undefined;
  readonly repositoryKeysFile: string | undefined;
  /** Bytes that one package file may have. */
  readonly packageBytes: number;
  /** Bytes of uploads that are not published yet: of all publishers, and of each. */
  readonly spoolBytes: number;
  readonly spoolPublisherBytes: number;
  /** Which files of repositories the gateway does not stream itself, but leads to in their store, where that has presigned URLs. */
  readonly repositoryRedirect: 'off' | 'packages';
  /** `file:` or `s3:` URL of what the artifact cache keeps. */
  readonly cacheBlobs: string;
  /** Which instances the artifact cache has, their quotas, and who may pull and push: a YAML file; undefined: one instance, pulled by everybody, pushed by the control credentials. */
  readonly cacheFile: string | undefined;
  /** PEM files: the cache speaks TLS with these; undefined: without. Authorities that clients' certificates are checked against; undefined: none is asked for. */
  readonly cacheTls: { readonly certificate: string; readonly key: string; readonly clientAuthorities: string | undefined } | undefined;
  /** Where OSTree artifacts are pushed by ssh; undefined: nowhere. 0 means any free port. */
  readonly cacheSshPort: number | undefined;
  /** Where a cache process shows its metrics, by HTTP; undefined: nowhere. 0 means any free port. */
  readonly cacheMetricsPort: number | undefined;
  /** Absolute path of the YAML file that says where messages go; undefined: nowhere. */
  readonly messagesFile: string | undefined;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

const port = z.coerce.number().int().min(0).max(65535);
const flag = z.enum(['0', '1', 'true', 'false', '']).transform((value) => value === '1' || value === 'true');
const list = z.string().transform((value) => value.split(',').map((item) => item.trim()).filter((item) => item !== ''));

/** Stands in messages and logs. */
const plainUrl = z.url({ protocol: /^https?$/ }).regex(/^[a-z]+:\/\/[^/@]*(\/|$)/i, 'must have no user and password');

const environmentSchema = z.object({
  MILLRACE_HOME: z.string().default('.millrace'),
  MILLRACE_HOST: z.string().default('localhost'),
  MILLRACE_CONTROL_PORT: port.default(9999),
  MILLRACE_PROXY_PORT: port.default(9988),
  MILLRACE_CACHE_PORT: port.default(9977),
  MILLRACE_DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must be a postgresql:// URL').optional(),
  MILLRACE_TEMPORAL_ADDRESS: z.string().regex(/^[^/]+:\d+$/, 'must be host:port').optional(),
  MILLRACE_TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  MILLRACE_TEMPORAL_UI: z.url().optional(),
  MILLRACE_BLOBS: z.string().regex(/^(file|s3):/, 'must be a file: or s3: URL').optional(),
  MILLRACE_CONTROL_AUTH: z.string().optional(),
  FETCH_SERVICE_AUTH: z.string().optional(),
  MILLRACE_UPSTREAM_PROXY: z.url({ protocol: /^http$/ }).optional(),
  MILLRACE_UPSTREAM_NO_PROXY: list.default([]),
  MILLRACE_UPSTREAM_CA: z.string().optional(),
  MILLRACE_ALLOW_DESTINATIONS: list.default([]),
  MILLRACE_FORBIDDEN_PORTS: list.pipe(z.array(z.string().regex(/^[0-9]{1,5}$/, 'must be a comma list of ports'))).default([]),
  MILLRACE_PERMISSIVE: flag.default(false),
  MILLRACE_POLICY: z.string().optional(),
  MILLRACE_PROXY_PROCESSES: z.coerce.number().int().min(1).max(256).default(1),
  MILLRACE_INSPECTION_THREADS: z.coerce.number().int().min(2).max(256).optional(),
  MILLRACE_CA_CERT: z.string().optional(),
  MILLRACE_CA_KEY: z.string().optional(),
  MILLRACE_KEEP_BODIES: flag.default(true),
  MILLRACE_COMPOSES: z.string().optional(),
  MILLRACE_COMPOSE_URL: z.url({ protocol: /^https?$/ }).optional(),
  MILLRACE_COMPOSE_BUCKET: z.string().regex(/^s3:/, 'must be an s3: URL').optional(),
  MILLRACE_COMPOSE_TARGET_DIRS: list.pipe(z.array(z.string().regex(/^[A-Za-z0-9_.-]+=\/./, 'must be a comma list of name=/absolute/path'))).default([]),
  MILLRACE_COMPOSE_SOURCE_PATHS: list.pipe(z.array(z.string().startsWith('/', 'must be a comma list of absolute paths'))).default([]),
  MILLRACE_COMPOSE_ALLOW_DESTINATIONS: list.default([]),
  MILLRACE_COMPOSE_CONCURRENCY: z.coerce.number().int().min(1).max(256).optional(),
  MILLRACE_COMPOSE_SECONDS_TO_LIVE: z.coerce.number().int().min(1).default(86_400),
  MILLRACE_COMPOSE_MAX_SECONDS_TO_LIVE: z.coerce.number().int().min(1).default(259_200),
  MILLRACE_COMPOSE_NAME_GRACE: z.coerce.number().int().min(1).max(31_536_000).default(86_400),
  MILLRACE_COMPOSE_TIMEOUT: z.coerce.number().int().min(1).default(3600),
  MILLRACE_COMPOSE_ARCHES: list.pipe(z.array(z.string()).min(1)).default(['x86_64']),
  MILLRACE_COMPOSE_SIGKEYS: z.string().transform((value) => value.split(',').map((key) => key.trim())).optional(),
  MILLRACE_COMPOSE_AUTH: z.enum(['noauth', 'basic']).optional(),
  MILLRACE_KOJI_HUB: plainUrl.optional(),
  MILLRACE_KOJI_TOPURL: plainUrl.optional(),
  MILLRACE_KOJI_TOPDIR: z.string().startsWith('/', 'must be an absolute path').optional(),
  MILLRACE_MBS_URL: plainUrl.optional(),
  MILLRACE_PULP: z.string().optional(),
  MILLRACE_PUNGI: z.string().optional(),
  MILLRACE_ACCESS: z.string().optional(),
  MILLRACE_COMPOSE_RULES: z.string().optional(),
  MILLRACE_REPOSITORIES: z.string().optional(),
  MILLRACE_REPOSITORY_URL: z.url({ protocol: /^https?$/ }).optional(),
  MILLRACE_REPOSITORY_STORES: z.string().optional(),
  MILLRACE_REPOSITORY_KEYS: z.string().optional(),
  MILLRACE_PACKAGE_BYTES: z.coerce.number().int().min(1).default(17179869184),
  MILLRACE_SPOOL_BYTES: z.coerce.number().int().min(1).default(1099511627776),
  MILLRACE_SPOOL_PUBLISHER_BYTES: z.coerce.number().int().min(1).default(137438953472),
  MILLRACE_REPOSITORY_REDIRECT: z.enum(['off', 'packages']).default('off'),
  MILLRACE_CACHE_BLOBS: z.string().regex(/^(file|s3):/, 'must be a file: or s3: URL').optional(),
  MILLRACE_CACHE: z.string().optional(),
  MILLRACE_CACHE_TLS_CERT: z.string().optional(),
  MILLRACE_CACHE_TLS_KEY: z.string().optional(),
  MILLRACE_CACHE_TLS_CLIENT_CA: z.string().optional(),
  MILLRACE_CACHE_SSH_PORT: port.optional(),
  MILLRACE_CACHE_METRICS_PORT: port.optional(),
  MILLRACE_MESSAGES: z.string().optional(),
  MILLRACE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

export type Environment = Readonly<Record<string, string | undefined>>;

/** Validates the environment; every mistake is named in one error. Makes `home` (mode 0700) and, when none is set, the control secret. */
export function readSettings(environment: Environment): Settings {
  const parsed = environmentSchema.safeParse(withSecretFiles(withoutEmpty(environment)));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new MillraceError('invalid-setting', `invalid settings: ${problems.join('; ')}`, { suggestion: 'Correct these environment variables; docs/reference/settings.md lists them all.' });
  }
  const values = parsed.data;
  const home = path.resolve(values.MILLRACE_HOME);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  return Object.freeze({
    home,
    host: values.MILLRACE_HOST,
    controlPort: values.MILLRACE_CONTROL_PORT,
    proxyPort: values.MILLRACE_PROXY_PORT,
    cachePort: values.MILLRACE_CACHE_PORT,
    databaseUrl: values.MILLRACE_DATABASE_URL,
    temporalAddress: values.MILLRACE_TEMPORAL_ADDRESS,
    temporalNamespace: values.MILLRACE_TEMPORAL_NAMESPACE,
    temporalUi: values.MILLRACE_TEMPORAL_UI,
    blobs: values.MILLRACE_BLOBS ?? `file:${path.join(home, 'blobs')}`,
    controlAuth: controlAuth(values.MILLRACE_CONTROL_AUTH ?? values.FETCH_SERVICE_AUTH, home),
    upstreamProxy: values.MILLRACE_UPSTREAM_PROXY,
    upstreamNoProxy: values.MILLRACE_UPSTREAM_NO_PROXY,
    upstreamCa: values.MILLRACE_UPSTREAM_CA,
    allowDestinations: values.MILLRACE_ALLOW_DESTINATIONS,
    forbiddenPorts: ownPorts(values),
    permissive: values.MILLRACE_PERMISSIVE,
    policyFile: resolved(values.MILLRACE_POLICY),
    proxyProcesses: values.MILLRACE_PROXY_PROCESSES,
    inspectionThreads: values.MILLRACE_INSPECTION_THREADS,
    caCertificate: values.MILLRACE_CA_CERT,
    caKey: values.MILLRACE_CA_KEY,
    keepBodies: values.MILLRACE_KEEP_BODIES,
    composes: path.resolve(values.MILLRACE_COMPOSES ?? path.join(home, 'composes')),
    composeUrl: (values.MILLRACE_COMPOSE_URL ?? `http://${urlHost(values.MILLRACE_HOST)}:${values.MILLRACE_CONTROL_PORT}/composes`).replace(/\/+$/, ''),
    composeBucket: values.MILLRACE_COMPOSE_BUCKET,
    composeTargetDirs: Object.fromEntries(values.MILLRACE_COMPOSE_TARGET_DIRS.map((entry) => [entry.slice(0, entry.indexOf('=')), path.resolve(entry.slice(entry.indexOf('=') + 1))])),
    composeSourcePaths: values.MILLRACE_COMPOSE_SOURCE_PATHS.map((place) => path.resolve(place)),
    composeAllowDestinations: values.MILLRACE_COMPOSE_ALLOW_DESTINATIONS,
    composeConcurrency: values.MILLRACE_COMPOSE_CONCURRENCY,
    composeSecondsToLive: Math.min(values.MILLRACE_COMPOSE_SECONDS_TO_LIVE, values.MILLRACE_COMPOSE_MAX_SECONDS_TO_LIVE),
    composeMaximumSecondsToLive: values.MILLRACE_COMPOSE_MAX_SECONDS_TO_LIVE,
    composeNameGrace: values.MILLRACE_COMPOSE_NAME_GRACE,
    composeTimeout: values.MILLRACE_COMPOSE_TIMEOUT,
    composeArches: values.MILLRACE_COMPOSE_ARCHES,
    composeSigkeys: values.MILLRACE_COMPOSE_SIGKEYS ?? [],
    composeAuth: values.MILLRACE_COMPOSE_AUTH ?? (isLoopback(values.MILLRACE_HOST) ? 'noauth' : 'basic'),
    koji: kojiPlaces(values),
    moduleBuildService: values.MILLRACE_MBS_URL?.replace(/\/+$/, ''),
    pulpFile: resolved(values.MILLRACE_PULP),
    pungiFile: resolved(values.MILLRACE_PUNGI),
    accessFile: resolved(values.MILLRACE_ACCESS),
    rulesFile: resolved(values.MILLRACE_COMPOSE_RULES),
    repositories: repositoriesPlace(values.MILLRACE_REPOSITORIES, home),
    repositoryUrl: (values.MILLRACE_REPOSITORY_URL ?? `http://${urlHost(values.MILLRACE_HOST)}:${values.MILLRACE_CONTROL_PORT}/repositories`).replace(/\/+$/, ''),
    repositoryStoresFile: resolved(values.MILLRACE_REPOSITORY_STORES),
    repositoryKeysFile: resolved(values.MILLRACE_REPOSITORY_KEYS),
    packageBytes: values.MILLRACE_PACKAGE_BYTES,
    spoolBytes: values.MILLRACE_SPOOL_BYTES,
    spoolPublisherBytes: values.MILLRACE_SPOOL_PUBLISHER_BYTES,
    repositoryRedirect: values.MILLRACE_REPOSITORY_REDIRECT,
    cacheBlobs: values.MILLRACE_CACHE_BLOBS ?? `file:${path.join(home, 'artifact-cache')}`,
    cacheFile: resolved(values.MILLRACE_CACHE),
    cacheTls: cacheTls(values),
    cacheSshPort: values.MILLRACE_CACHE_SSH_PORT,
    cacheMetricsPort: values.MILLRACE_CACHE_METRICS_PORT,
    messagesFile: resolved(values.MILLRACE_MESSAGES),
    logLevel: values.MILLRACE_LOG_LEVEL,
  });
}

function kojiPlaces({ MILLRACE_KOJI_HUB: hub, MILLRACE_KOJI_TOPURL: url, MILLRACE_KOJI_TOPDIR: directory }: z.infer<typeof environmentSchema>): Settings['koji'] {
  const top = directory === undefined ? url : path.resolve(directory);
  if (hub === undefined) return undefined;
  if (top !== undefined && (url === undefined || directory === undefined)) return { hub, top };
  throw new MillraceError('invalid-setting', `invalid settings: MILLRACE_KOJI_HUB needs ${top === undefined ? 'MILLRACE_KOJI_TOPURL or MILLRACE_KOJI_TOPDIR, where the files of its packages are' : 'one of MILLRACE_KOJI_TOPURL and MILLRACE_KOJI_TOPDIR, not both'}`, {
    suggestion: 'Correct these environment variables; docs/reference/settings.md lists them all.',
  });
}

function cacheTls({ MILLRACE_CACHE_TLS_CERT: certificate, MILLRACE_CACHE_TLS_KEY: key, MILLRACE_CACHE_TLS_CLIENT_CA: authorities }: z.infer<typeof environmentSchema>): Settings['cacheTls'] {
  if (certificate !== undefined && key !== undefined) return { certificate: path.resolve(certificate), key: path.resolve(key), clientAuthorities: resolved(authorities) };
  if (certificate === undefined && key === undefined && authorities === undefined) return undefined;
  throw new MillraceError('invalid-setting', 'invalid settings: MILLRACE_CACHE_TLS_CERT and MILLRACE_CACHE_TLS_KEY belong together, and MILLRACE_CACHE_TLS_CLIENT_CA needs both');
}

/** HaikuPorter takes an empty path for no object storage; then it is the directory. */
function repositoriesPlace(value: string | undefined, home: string): string {
  if (value === undefined) return `file:${path.join(home, 'repositories')}`;
  return /^(file|s3):/.test(value) ? value : path.resolve(value);
}

function resolved(file: string | undefined): string | undefined {
  return file === undefined ? undefined : path.resolve(file);
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function withoutEmpty(environment: Environment): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''));
}

/** `NAME_FILE` names a file that holds the value of `NAME`, as container platforms mount secrets. */
function withSecretFiles(environment: Record<string, string>): Record<string, string> {
  const result = { ...environment };
  for (const name of ['MILLRACE_CONTROL_AUTH', 'MILLRACE_DATABASE_URL', 'MILLRACE_UPSTREAM_PROXY']) {
    const file = environment[`${name}_FILE`];
    if (file === undefined || result[name] !== undefined) continue;
    try {
      result[name] = readFileSync(file, 'utf8').trim();
    } catch (cause) {
      throw new MillraceError('invalid-setting', `${name}_FILE: cannot read ${file}`, { cause });
    }
  }
  return result;
}

/** Never an empty user or password: fetch-service accepts `Basic Og==` when its variable is unset; this fails closed. */
function controlAuth(given: string | undefined, home: string): string {
  if (given !== undefined) {
    if (!/^[^:]+:.+$/.test(given)) {
      throw new MillraceError('invalid-setting', 'MILLRACE_CONTROL_AUTH (or FETCH_SERVICE_AUTH) must be user:password, neither of them empty');
    }
    return given;
  }
  const file = path.join(home, 'control-auth');
  if (!existsSync(file)) {
    try {
      writeFileSync(file, `millrace:${randomBytes(24).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // another process made it first
    }
    chmodSync(file, 0o600);
  }
  return readFileSync(file, 'utf8').trim();
}

/** Every port of the service itself that is known here, without repetition. */
function ownPorts(values: z.infer<typeof environmentSchema>): number[] {
  const listening = [values.MILLRACE_CONTROL_PORT, values.MILLRACE_PROXY_PORT, values.MILLRACE_CACHE_PORT, values.MILLRACE_CACHE_SSH_PORT ?? 0, values.MILLRACE_CACHE_METRICS_PORT ?? 0];
  const parts = [values.MILLRACE_DATABASE_URL, values.MILLRACE_TEMPORAL_ADDRESS, values.MILLRACE_TEMPORAL_UI];
  const ports = [...listening, ...values.MILLRACE_FORBIDDEN_PORTS.map(Number), ...portsOf(parts)];
  return [...new Set(ports)].filter((own) => own !== 0);
}

/** Ports in the addresses of the service's own parts. */
function portsOf(addresses: readonly (string | undefined)[]): number[] {
  const ports: number[] = [];
  for (const address of addresses) {
    if (address === undefined) continue;
    const url = URL.parse(address.includes('://') ? address : `tcp://${address}`);
    if (url === null) continue;
    ports.push(url.port === '' ? (url.protocol.startsWith('postgres') ? 5432 : 443) : Number(url.port));
  }
  return ports;
}
