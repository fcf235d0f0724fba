import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { errorMessage } from '../../libs/errors/error-message.js';
import { parsePolicyDocument } from '../../libs/policy/parse-policy-document.js';

/** The text of a policy document, which is valid as far as can be told without the service. Errors: `invalid-request` (no such file), `invalid-policy-document`. */
export async function readPolicyFile(file: string, ecosystems?: readonly string[]): Promise<string> {
  const text = await readText(file);
  parsePolicyDocument(text, { file, ...(ecosystems === undefined ? {} : { ecosystems }) });
  return text;
}

/** Errors: `invalid-request` when the file cannot be read or does not hold one object. */
export async function readInspectorsConfiguration(file: string): Promise<object> {
  const text = await readText(file);
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch (cause) {
    throw new MillraceError('invalid-request', `${file}: ${errorMessage(cause)}`, { cause });
  }
  const parsed = z.record(z.string(), z.unknown()).safeParse(value);
  if (!parsed.success) throw new MillraceError('invalid-request', `${file} does not hold an object of inspectors' configuration`, { suggestion: 'docs/reference/inspectors describes the keys.' });
  return parsed.data;
}

const largestFile = 4 * 1024 * 1024;

async function readText(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > largestFile) throw new Error('it is too large');
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MillraceError('invalid-request', `cannot read ${file}: ${errorMessage(cause)}`, { cause });
  }
}
