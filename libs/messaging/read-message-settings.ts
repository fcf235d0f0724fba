import { readFile } from 'node:fs/promises';
import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';
import { readPolicyYaml } from '../policy/read-policy-yaml.js';
import { messageSettingsSchema, type MessageSettings } from './message-settings-schema.js';

const shownMistakes = 20;
/** Bytes. */
const sizeLimit = 1024 * 1024;

/** Errors: `invalid-setting` with every mistake and its place in the file. */
export async function readMessageSettings(file: string): Promise<MessageSettings> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new MillraceError('invalid-setting', `MILLRACE_MESSAGES: cannot read ${file}: ${errorMessage(cause)}`, { cause });
  }
  return parseMessageSettings(text, file);
}

/** `file` is for messages. */
export function parseMessageSettings(text: string, file: string): MessageSettings {
  if (text.length > sizeLimit) throw invalid(file, [`is larger than ${sizeLimit} bytes`]);
  const { document, mistakes } = readPolicyYaml(text);
  if (document === undefined || mistakes.length > 0) throw invalid(file, mistakes.map(({ offset, message }) => `line ${lineOf(text, offset)}: ${message}`));
  const parsed = messageSettingsSchema.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  throw invalid(
    file,
    parsed.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => `${pathText([...issue.path, key])}: unknown key`) : [`${pathText(issue.path)}: ${issue.message}`],
    ),
  );
}

function invalid(file: string, mistakes: readonly string[]): MillraceError {
  const shown = mistakes.slice(0, shownMistakes).join('; ');
  return new MillraceError('invalid-setting', `${file}: ${shown}`, { suggestion: 'docs/how-to/get-messages-about-composes.md lists every key of this file.' });
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the file';
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part).slice(0, 100)}`)).join('');
}
