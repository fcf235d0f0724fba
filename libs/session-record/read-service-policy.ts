import { readFile } from 'node:fs/promises';
import { MillraceError, isMillraceError } from '../errors/millrace-error.js';
import { mistakeText, type PolicyMistake } from '../policy/policy-mistakes.js';
import type { RecordedPolicyDocument } from '../policy/policy-document.js';
import { readPolicyDocument } from '../policy/record-policy-documents.js';

/** The service's own policy document (MILLRACE_POLICY); undefined when there is none. Errors: `invalid-setting`, with every mistake in the file. */
export async function readServicePolicy(file: string | undefined, ecosystems: readonly string[]): Promise<RecordedPolicyDocument | undefined> {
  if (file === undefined) return undefined;
  try {
    return readPolicyDocument(new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file)), 'service', ecosystems);
  } catch (cause) {
    const mistakes = isMillraceError(cause) ? (cause.details as readonly PolicyMistake[] | undefined) : undefined;
    const why = mistakes === undefined ? `cannot read ${file}` : mistakes.map((mistake) => mistakeText({ ...mistake, file })).join('\n');
    throw new MillraceError('invalid-setting', `MILLRACE_POLICY: ${why}`, { cause, suggestion: 'millrace policy validate FILE checks a document.' });
  }
}
