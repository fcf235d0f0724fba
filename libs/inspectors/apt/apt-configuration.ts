import { isRecord, own } from '../../inspection/bounded-json.js';
import { refusal } from '../../inspection/refusal.js';
import type { InspectorsConfiguration } from '../../policy/session-policy.js';

/** `apt` of `inspectors-configuration`, see docs/reference/inspectors/apt.md. */
export interface AptConfiguration {
  readonly repositories: readonly ConfiguredRepository[];
  /** Whether keys that this machine's apt trusts count. Unless told: only when no repositories are configured. */
  readonly machineKeyrings: boolean;
  readonly allowWeakKeys: boolean;
  readonly allowExpiredKeys: boolean;
  /** Whether Date and Valid-Until of a Release are looked at. */
  readonly checkDates: boolean;
}

/** A repository whose signing key is configured. */
export interface ConfiguredRepository {
  readonly name: string;
  /** Globs of the repository's root, as in `sources.list`. */
  readonly urls: readonly string[];
  /** Globs; empty: all. */
  readonly suites: readonly string[];
  /** Globs; empty: all. */
  readonly components: readonly string[];
  /** Armored OpenPGP keys; undefined: the machine's keyrings. */
  readonly publicKey: string | undefined;
}

/** Reads the session's configuration. Throws a reason that names the setting that is wrong: a mistake must not quietly trust more, or less. */
export function readAptConfiguration(configuration: InspectorsConfiguration): AptConfiguration {
  const apt = own(configuration, 'apt') ?? {};
  if (!isRecord(apt)) throw misconfigured('apt', 'an object');
  const configured = own(apt, 'repositories') ?? {};
  if (!isRecord(configured)) throw misconfigured('apt.repositories', 'an object');
  const repositories = Object.entries(configured).map(([name, value]) => readRepository(name, value));
  return {
    repositories,
    machineKeyrings: readFlag(apt, 'machine-keyrings', repositories.length === 0),
    allowWeakKeys: readFlag(apt, 'allow-weak-keys', false),
    allowExpiredKeys: readFlag(apt, 'allow-expired-keys', false),
    checkDates: readFlag(apt, 'check-dates', true),
  };
}

function readRepository(name: string, value: unknown): ConfiguredRepository {
  const setting = `apt.repositories.${name}`;
  if (!isRecord(value)) throw misconfigured(setting, 'an object');
  const publicKey = own(value, 'public-key');
  if (publicKey !== undefined && typeof publicKey !== 'string') throw misconfigured(`${setting}.public-key`, 'a text');
  const suites = own(value, 'suites') === undefined ? 'dists' : 'suites';
  return {
    name,
    urls: readTexts(value, 'urls', setting),
    suites: readTexts(value, suites, setting),
    components: readTexts(value, 'components', setting),
    publicKey,
  };
}

function readTexts(record: Record<string, unknown>, key: string, setting: string): readonly string[] {
  const value = own(record, key) ?? [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw misconfigured(`${setting}.${key}`, 'a list of texts');
  return value;
}

function readFlag(record: Record<string, unknown>, key: string, unset: boolean): boolean {
  const value = own(record, key) ?? unset;
  if (typeof value !== 'boolean') throw misconfigured(`apt.${key}`, 'true or false');
  return value;
}

function misconfigured(setting: string, wanted: string): Error {
  return refusal(`the session's inspectors-configuration is wrong: ${setting} must be ${wanted}`);
}
