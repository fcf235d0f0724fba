import { createHash } from 'node:crypto';
import { parsePolicyDocument, policyDocumentLimit } from './parse-policy-document.js';
import type { PolicySource, RecordedPolicyDocument } from './policy-document.js';
import { policyDocumentError, type PolicyMistake } from './policy-mistakes.js';


/** Reads one document as it will stand in the record. Errors: `invalid-policy-document`. */
export function readPolicyDocument(text: string, source: PolicySource, ecosystems?: readonly string[]): RecordedPolicyDocument {
  const content = parsePolicyDocument(text, { file: `${source} policy`, ...(ecosystems === undefined ? {} : { ecosystems }) });
  return { source, sha256: policyDocumentSha256(text), text, content };
}

export function policyDocumentSha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** The documents of a session, the service's first. Errors: `invalid-policy-document`, also when the session's asks for what only the service's may. */
export function combinePolicyDocuments(service: RecordedPolicyDocument | undefined, session: RecordedPolicyDocument | undefined): readonly RecordedPolicyDocument[] {
  const mistakes: PolicyMistake[] = [];
  const mistake = (line: number, path: string, message: string): number => mistakes.push({ file: 'session policy', line, column: 1, path, message });
  const [pin] = session?.content.pins ?? [];
  if (service?.content.sessionsMayPin === false && pin !== undefined) mistake(pin.line, 'pins', 'the policy of this service does not let sessions pin (sessions: may-pin: false)');
  if (session?.content.sessionsMayPin !== undefined) mistake(1, 'sessions', 'only the document of the service may have this');
  if (mistakes.length > 0) throw policyDocumentError(mistakes);
  return [service, session].filter((document) => document !== undefined);
}

/** A document that came as an object of JSON is recorded as this text. Errors: `invalid-policy-document` when it is too large. */
export function policyText(document: string | object): string {
  const text = typeof document === 'string' ? document : JSON.stringify(document, null, 2);
  if (Buffer.byteLength(text) > policyDocumentLimit) throw policyDocumentError([{ file: 'session policy', line: 1, column: 1, path: '', message: `is larger than ${policyDocumentLimit} bytes` }]);
  return text;
}
