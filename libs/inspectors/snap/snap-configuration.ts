import { isRecord, own } from '../../inspection/bounded-json.js';
import { refusal } from '../../inspection/refusal.js';
import type { InspectorsConfiguration } from '../../policy/session-policy.js';

/** What a header of a snap's `snap-declaration` assertion may be. */
export interface DeclarationFilter {
  readonly name: string;
  readonly values: readonly string[];
}

const keyIdPattern = /^[A-Za-z0-9_-]{64}$/;
const maxItems = 64;

/** Ids (`public-key-sha3-384`) of the keys that every chain of signatures must end in: `{"snap": {"root-keys": [id]}}`. Empty when none is configured. */
export function rootKeys(configuration: InspectorsConfiguration): ReadonlySet<string> {
  const value = snapSetting(configuration, 'root-keys');
  if (value === undefined) return new Set();
  if (!isStringList(value) || !value.every((id) => keyIdPattern.test(id))) {
    throw refusal('"snap.root-keys" of the inspectors configuration is not a list of key ids (64 characters of base64url each)');
  }
  return new Set(value);
}

/** `{"snap": {"snap-declaration": [{"name": "publisher-id", "value": ["…"]}]}}`, as fetch-service has it. Empty when none is configured. */
export function declarationFilters(configuration: InspectorsConfiguration): readonly DeclarationFilter[] {
  const value = snapSetting(configuration, 'snap-declaration');
  if (value === undefined) return [];
  const problem = '"snap.snap-declaration" of the inspectors configuration is not a list of {"name", "value": [...]}';
  if (!Array.isArray(value) || value.length > maxItems) throw refusal(problem);
  return value.map((item: unknown) => {
    const name = isRecord(item) ? own(item, 'name') : undefined;
    const values = isRecord(item) ? own(item, 'value') : undefined;
    if (typeof name !== 'string' || !isStringList(values)) throw refusal(problem);
    return { name, values };
  });
}

function snapSetting(configuration: InspectorsConfiguration, key: string): unknown {
  const snap = own(configuration, 'snap');
  return isRecord(snap) ? own(snap, key) : undefined;
}

function isStringList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= maxItems && value.every((item) => typeof item === 'string');
}
