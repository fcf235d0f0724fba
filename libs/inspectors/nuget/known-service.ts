import type { InspectedRequest, SessionKnowledge } from '../../inspection/inspector.js';
import { normalisePath, parseDeclaredUrl } from '../declarations/declared-url.js';
import type { ServiceResource } from './json-documents.js';

/** What the service index of a source says of its other parts, found by the place of its packages. */
export interface KnownService {
  /** URL of the service index. */
  readonly index: string;
  /** URLs where the documents of single releases lie, newest form of the resource first. */
  readonly registrations: readonly string[];
}

const maxUrls = 8;
const registrationTypes = ['RegistrationsBaseUrl/Versioned', 'RegistrationsBaseUrl/3.6.0', 'RegistrationsBaseUrl/3.4.0', 'RegistrationsBaseUrl'];

/** Remembers a service index by every place that it gives for packages (`PackageBaseAddress`). */
export async function rememberService(knowledge: SessionKnowledge, index: string, resources: readonly ServiceResource[]): Promise<void> {
  const registrations = registrationTypes.flatMap((wanted) => resources.filter(({ type }) => type === wanted).map(({ url }) => url));
  const service: KnownService = { index, registrations: [...new Set(registrations)].slice(0, maxUrls) };
  const bases = resources.filter(({ type }) => type.startsWith('PackageBaseAddress/')).slice(0, maxUrls);
  for (const { url } of bases) {
    const base = parseDeclaredUrl(url, index);
    if (base !== undefined) await knowledge.put(serviceKey(base.origin + base.path.replace(/\/+$/, '')), JSON.stringify(service));
  }
}

/** The service of a package at `<base>/<id>/<version>/<file>`. */
export async function findService(knowledge: SessionKnowledge, request: InspectedRequest): Promise<KnownService | undefined> {
  const base = normalisePath(request.path).split('/').slice(0, -3).join('/');
  const value = await knowledge.get(serviceKey(request.origin + base));
  return value === undefined ? undefined : (JSON.parse(value) as KnownService); // written by this file only
}

export function rememberCatalogEntry(knowledge: SessionKnowledge, leaf: string, catalogEntry: string): Promise<void> {
  return knowledge.put(leafKey(leaf), catalogEntry);
}

/** The URL of the catalogue entry that the registration document at `leaf` names. */
export function findCatalogEntry(knowledge: SessionKnowledge, leaf: string): Promise<string | undefined> {
  return knowledge.get(leafKey(leaf));
}

function serviceKey(base: string): string {
  return `nuget/service/${base}`;
}

function leafKey(leaf: string): string {
  const url = parseDeclaredUrl(leaf);
  return `nuget/leaf/${url === undefined ? leaf : url.origin + url.path}`;
}
