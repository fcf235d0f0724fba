import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';
import { readPolicyYaml } from '../policy/read-policy-yaml.js';

export interface SettingsFileKind<Value> {
  readonly schema: z.ZodType<Value>;
  /** The environment variable that names the file. */
  readonly variable: string;
  /** Page that lists every key: `docs/how-to/get-messages-about-composes.md`. */
  readonly page: string;
}

const shownMistakes = 20;
/** Bytes. */
const sizeLimit = 1024 * 1024;

/** A YAML file of settings. Errors: `invalid-setting` with every mistake and its place in the file. */
export async function readSettingsFile<Value>(file: string, kind: SettingsFileKind<Value>): Promise<Value> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new MillraceError('invalid-setting', `${kind.variable}: cannot read ${file}: ${errorMessage(cause)}`, { cause });
  }
  return parseSettingsFile(text, file, kind);
}

/** `file` is for messages. */
export function parseSettingsFile<Value>(text: string, file: string, { schema, page }: Pick<SettingsFileKind<Value>, 'schema' | 'page'>): Value {
  const invalid = (mistakes: readonly string[]): MillraceError => new MillraceError('invalid-setting', `${file}: ${mistakes.slice(0, shownMistakes).join('; ')}`, { suggestion: `${page} lists every key of this file.` });
  if (text.length > sizeLimit) throw invalid([`is larger than ${sizeLimit} bytes`]);
  const { document, mistakes } = readPolicyYaml(text);
  if (document === undefined || mistakes.length > 0) throw invalid(mistakes.map(({ offset, message }) => `line ${lineOf(text, offset)}: ${message}`));
  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => `${pathText([...issue.path, key])}: unknown key`) : [`${pathText(issue.path)}: ${issue.message}`],
    ),
  );
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the file';
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part).slice(0, 100)}`)).join('');
}
