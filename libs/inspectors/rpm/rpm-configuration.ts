import { LRUCache } from 'lru-cache';
import picomatch from 'picomatch';
import { isRecord, own } from '../../inspection/bounded-json.js';
import { refusal } from '../../inspection/refusal.js';
import type { InspectorsConfiguration } from '../../policy/session-policy.js';
import { joinKeyrings, readKeyring, type Keyring } from '../openpgp/keyring.js';

const maxRepositories = 256;
const maxUrls = 64;
/** Reading a keyring takes milliseconds, and every package asks. */
const keyrings = new LRUCache<string, Promise<Keyring>>({ max: 64 });

interface ConfiguredRepository {
  readonly urls: readonly string[];
  readonly publicKey: string;
}

/**
 * The keys that sign what lies at one of these URLs: of all `rpm.repositories.<name>` of the inspectors configuration whose `urls` cover one.
 * Undefined when none does. Throws a reason for a configuration that cannot be meant.
 */
export async function keysFor(configuration: InspectorsConfiguration, urls: readonly string[]): Promise<Keyring | undefined> {
  const covering = configuredRepositories(configuration).filter((repository) => urls.some((url) => covers(repository, url)));
  if (covering.length === 0) return undefined;
  return joinKeyrings(await Promise.all(covering.map(({ publicKey }) => keyringOf(publicKey))));
}

function configuredRepositories(configuration: InspectorsConfiguration): readonly ConfiguredRepository[] {
  const rpm = own(configuration, 'rpm');
  const repositories = isRecord(rpm) ? own(rpm, 'repositories') : undefined;
  if (repositories === undefined) return [];
  if (!isRecord(repositories)) throw refusal('"rpm.repositories" of the inspectors configuration is not an object');
  return Object.entries(repositories).slice(0, maxRepositories).map(([name, value]) => parseRepository(name, value));
}

function parseRepository(name: string, value: unknown): ConfiguredRepository {
  const urls = isRecord(value) ? own(value, 'urls') : undefined;
  const publicKey = isRecord(value) ? own(value, 'public-key') : undefined;
  if (!Array.isArray(urls) || !urls.every((url) => typeof url === 'string') || typeof publicKey !== 'string')
    throw refusal(`"rpm.repositories.${name.slice(0, 64)}" of the inspectors configuration needs "urls" (a list) and "public-key" (armored)`);
  return { urls: urls.slice(0, maxUrls), publicKey };
}

/** A URL covers all below it; with `*` it is a glob. */
function covers({ urls }: ConfiguredRepository, url: string): boolean {
  return urls.some((pattern) => {
    if (pattern.includes('*')) return picomatch.isMatch(url, pattern, { dot: true, nobrace: true, noextglob: true });
    const base = withPort(pattern).replace(/\/*$/, '/');
    return url.startsWith(base);
  });
}

/** Requests have `:443` in their URLs; whoever writes a configuration need not know. */
function withPort(url: string): string {
  return url.replace(/^(https:\/\/[^/:]+)(?=\/|$)/, '$1:443');
}

async function keyringOf(publicKey: string): Promise<Keyring> {
  const known = keyrings.get(publicKey);
  if (known !== undefined) return known;
  const reading = readKeyring(Buffer.from(publicKey));
  keyrings.set(publicKey, reading);
  try {
    return await reading;
  } catch (error) {
    keyrings.delete(publicKey);
    throw error;
  }
}
