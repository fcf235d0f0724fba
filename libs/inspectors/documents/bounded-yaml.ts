import { parseDocument } from 'yaml';
import { isRecord } from '../../inspection/bounded-json.js';
import { refusal } from '../../inspection/refusal.js';

/**
 * A YAML mapping without aliases, which can multiply without end; every scalar is a string (`version: 1.10` stays what it is). The caller
 * bounds its size. Throws the reason, naming `what`, for anything else.
 */
export function readYaml(bytes: Buffer, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    // Looking for keys that come twice takes quadratic time; the last one counts, as for the usual readers.
    const document = parseDocument(bytes.toString('utf8'), { schema: 'failsafe', uniqueKeys: false, logLevel: 'silent' });
    if (document.errors.length > 0) throw document.errors[0] as Error;
    value = document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    throw refusal(`${what} is not valid YAML`, cause);
  }
  if (!isRecord(value)) throw refusal(`${what} is not a mapping`);
  return value;
}
