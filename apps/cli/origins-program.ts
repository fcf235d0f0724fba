import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { MillraceError } from '../../libs/errors/millrace-error.js';
import { parsePolicyDocument } from '../../libs/policy/parse-policy-document.js';
import { contextOf, leaf } from './command-options.js';
import type { ServiceOptions } from './command-options.js';
import { detectOrigins } from './origins/detect-origins.js';
import type { FoundOrigin } from './origins/found-origin.js';
import { thisMachine } from './origins/machine.js';
import { originsDocument, originsOfReport } from './origins/origins-document.js';
import { readReport } from './session-api.js';
import type { Terminal } from './terminal.js';

interface DetectOptions extends ServiceOptions {
  readonly output?: string;
  readonly session?: string;
}

/** `millrace origins …` */
export function addOriginsCommands(program: Command, terminal: Terminal): void {
  const origins = program.command('origins').description('find out where the package managers of this machine fetch from');
  leaf(origins, 'detect', 'write a policy document with the origins that the package managers are configured for')
    .option('-o, --output <file>', 'write it to this file, which must not be there yet')
    .option('--session <id>', 'add where the approved artefacts of this revoked session came from')
    .addHelpText('after', '\nRun it in the folder of the project. Credentials in addresses are dropped.\n\nExample:\n  $ millrace origins detect --output policy.yaml')
    .action((given: DetectOptions) => detect(given, terminal));
}

async function detect({ output, session, ...given }: DetectOptions, terminal: Terminal): Promise<void> {
  const found = await detectOrigins(thisMachine(terminal.environment, process.cwd()));
  const seen: readonly FoundOrigin[] = session === undefined ? [] : await originsOfSession(session, given, terminal);
  // Only here: the inspectors bring every parser with them.
  const { inspectedEcosystems } = await import('../../libs/inspectors/index.js');
  const document = originsDocument({ ...found, origins: [...found.origins, ...seen] }, inspectedEcosystems());
  parsePolicyDocument(document.text, { file: 'the document detected' });
  if (output !== undefined) await writeNew(output, document.text);
  if (given.json === true) terminal.out(`${JSON.stringify({ output: output ?? null, document: document.text, origins: document.origins, leftOut: document.leftOut })}\n`);
  else terminal.out(output === undefined ? document.text : `Policy document: ${output}\n`);
}

async function originsOfSession(id: string, given: ServiceOptions, terminal: Terminal): Promise<readonly FoundOrigin[]> {
  const { client } = await contextOf(given, terminal);
  return originsOfReport(JSON.parse(await readReport(client, id)) as unknown);
}

/** Somebody may have worked on the file that is there. */
async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (cause) {
    throw new MillraceError('invalid-request', `cannot write ${file}: it is there already, or its folder is not`, { cause });
  }
}
