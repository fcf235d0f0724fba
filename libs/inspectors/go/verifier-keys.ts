import { isRecord, own } from '../../inspection/bounded-json.js';
import { refusal } from '../../inspection/refusal.js';
import type { InspectorsConfiguration } from '../../policy/session-policy.js';
import { parseVerifierKey, type VerifierKey } from './signed-note.js';

/** The keys of checksum databases in `inspectors-configuration`: `{"go": {"sumdb": "name+hash+key"}}`, or a list of them. Empty when none is configured. */
export function verifierKeys(configuration: InspectorsConfiguration): readonly VerifierKey[] {
  const go = own(configuration, 'go');
  const sumdb = isRecord(go) ? own(go, 'sumdb') : undefined;
  if (sumdb === undefined) return [];
  const texts: unknown[] = Array.isArray(sumdb) ? sumdb : [sumdb];
  return texts.map((text) => {
    if (typeof text !== 'string') throw refusal('"go.sumdb" of the inspectors configuration is neither a verifier key nor a list of them');
    return parseVerifierKey(text);
  });
}
