import { readFile, realpath, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError } from '../errors/millrace-error.js';
import type { ComposeTools } from './compose-tools.js';
import { readTail, readTreeFile } from './tree-file.js';
import { renderWrapper } from './wrapper-template.js';

export interface ConfigSource {
  /** Absolute path of the checked-out repository. */
  readonly checkout: string;
  /** In it. */
  readonly file: string;
  /** In it: the directory that Pungi is to find everything in. */
  readonly path: string;
  /** For people. */
  readonly name: string;
  /** Absolute path of the template that imports `raw_config`. */
  readonly wrapper: string | undefined;
  /** The compose as clients see it; for the template. */
  readonly compose: object;
  /** JSON of the very configuration of the compose that is made again. */
  readonly dump: string | null;
}

export interface PreparedConfig {
  /** Absolute path of `pungi.json`. */
  readonly file: string;
  readonly values: unknown;
}

/** Bytes; those of whole distributions have some hundred thousand. */
const largestConfig = 16 * 1024 ** 2;

/**
 * Brings a configuration into the one form that is given to Pungi, as ODCS does: JSON of all values, in the directory of the raw configuration, because other
 * files are named relative to that. Pungi's own program reads it: configurations are nearly Python. Errors: `source-invalid`, `invalid-setting`, `tool-not-found`.
 */
export async function prepareConfig(source: ConfigSource, tools: ComposeTools): Promise<PreparedConfig> {
  const directory = await insideOf(source.checkout, source.path, source.name);
  const raw = await insideOf(source.checkout, source.file, source.name);
  const [json, wrapper, before] = [path.join(directory, 'pungi.json'), path.join(directory, 'pungi_wrapper.conf'), path.join(directory, 'config_dump.json')];
  const text = source.wrapper === undefined ? undefined : await renderWrapper(source.wrapper, source.compose);
  const sources: string[] = [];
  if (source.dump !== null) {
    await writeNew(before, source.dump);
    sources.push(before);
  }
  if (text !== undefined) {
    const imported = path.join(directory, 'raw_config.conf');
    const bytes = source.dump === null ? await readFile(raw) : Buffer.from('# The whole configuration is in the other file.\n');
    await writeNew(imported, bytes);
    await writeNew(wrapper, text);
    sources.push(wrapper);
  } else if (source.dump === null) {
    sources.push(raw);
  }
  await rm(json, { recursive: true, force: true });
  return { file: json, values: await readConfig({ directory, json, sources, name: source.name }, tools) };
}

async function readConfig({ directory, json, sources, name }: { readonly directory: string; readonly json: string; readonly sources: readonly string[]; readonly name: string }, tools: ComposeTools): Promise<unknown> {
  const complaints = `${path.basename(json)}.stderr`;
  await rm(path.join(directory, complaints), { recursive: true, force: true });
  const { code } = await tools.run({ program: 'config-dump', args: ['--just-dump', ...sources], directory, stdout: json, stderr: path.join(directory, complaints), outputLimit: largestConfig });
  const said = (await readTail(directory, complaints, 65_536)).trim();
  if (code !== 0) throw new MillraceError('source-invalid', `the configuration ${name} cannot be read: ${shortened(said) || `exit code ${code}`}`);
  const bytes = await readTreeFile(directory, path.basename(json), largestConfig);
  try {
    return JSON.parse(bytes?.toString('utf8') ?? '');
  } catch (cause) {
    throw new MillraceError('source-invalid', `the configuration ${name} is no JSON of at most ${largestConfig} bytes when it has been read`, { cause });
  }
}

function shortened(text: string): string {
  return text.split('\n').slice(-5).join('\n').slice(-2000);
}

/** Nothing of a repository leads out of it. */
async function insideOf(checkout: string, name: string, config: string): Promise<string> {
  const top = await realpath(checkout);
  const place = await realpath(path.join(top, name)).catch((cause: unknown) => {
    throw new MillraceError('source-invalid', `the repository of the configuration ${config} has no ${name}`, { cause });
  });
  if (place !== top && !place.startsWith(`${top}/`)) throw new MillraceError('source-invalid', `${name} leads out of the repository of the configuration ${config}`);
  return place;
}

/** In place of whatever the repository has there. */
async function writeNew(file: string, content: string | Buffer): Promise<void> {
  await rm(file, { recursive: true, force: true });
  await writeFile(file, content, { flag: 'wx' });
}
