import type { ComposeRenewal } from '../../../libs/compose-record/compose-commands.js';
import { parseJsonBody } from '../http/parse-json-body.js';
import { checkFields } from '../../../libs/compose/request-body/check-fields.js';
import type { Fields } from '../../../libs/compose/request-body/check-fields.js';
import { listOf, secondsToLiveOf, sigkeysOf, textOf } from '../../../libs/compose/request-body/field-values.js';

/** The body of `PATCH /api/1/composes/<id>`; none at all means the defaults. How long it may live is what the record knows, by what is renewed. Errors: `invalid-request`, which names the field. */
export function readRenewal(body: unknown): ComposeRenewal {
  if (!Buffer.isBuffer(body) || body.length === 0) return {};
  const fields = checkFields(parseJsonBody(body));
  const source = (fields['source'] ?? {}) as Fields;
  const label = textOf(fields, 'label');
  const secondsToLive = secondsToLiveOf(fields, Number.MAX_SAFE_INTEGER);
  const sigkeys = sigkeysOf(fields);
  return {
    ...(label === null ? {} : { label }),
    ...(secondsToLive === undefined ? {} : { secondsToLive }),
    ...(sigkeys === undefined ? {} : { sigkeys }),
    // Also an empty list asks for a new compose.
    ...(source['builds'] === undefined ? {} : { builds: listOf(source, 'builds') }),
    ...(source['modules'] === undefined ? {} : { modules: listOf(source, 'modules') }),
  };
}
