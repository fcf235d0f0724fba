import path from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { parse as parseYaml } from 'yaml';
import { foundOrigins, urlsIn, words, type FoundOrigin } from './found-origin.js';
import { foldersUp, type Machine } from './machine.js';

/** npm, pnpm and Yarn: what the tools answer, else their files. */
export async function npmOrigins(machine: Machine): Promise<readonly FoundOrigin[]> {
  const found: FoundOrigin[] = [];
  const answered = await machine.run('npm', ['config', 'list', '--json']);
  if (answered !== undefined) found.push(...foundOrigins(['npm'], 'npm config list', registriesOf(entriesOf(safely(() => JSON.parse(answered) as unknown)))));
  for (const file of [path.join(machine.home, '.npmrc'), ...foldersUp(machine).map((folder) => path.join(folder, '.npmrc'))]) {
    found.push(...foundOrigins(['npm'], file, registriesOf(iniEntries(await machine.read(file)))));
  }
  found.push(...foundOrigins(['npm'], 'environment', [machine.environment['npm_config_registry'], machine.environment['NPM_CONFIG_REGISTRY']]));
  for (const folder of [machine.home, ...foldersUp(machine)]) {
    const modern = await machine.read(path.join(folder, '.yarnrc.yml'));
    if (modern !== undefined) found.push(...foundOrigins(['npm'], path.join(folder, '.yarnrc.yml'), valuesOf(safely(() => parseYaml(modern, { maxAliasCount: 0 }) as unknown), /^npmRegistryServer$/)));
    found.push(...foundOrigins(['npm'], path.join(folder, '.yarnrc'), linesWith(await machine.read(path.join(folder, '.yarnrc')), /registry/).flatMap(urlsIn)));
  }
  // In an empty answer Yarn 1 says "undefined", which is no URL.
  if (found.length === 0) for (const tool of ['pnpm', 'yarn']) found.push(...foundOrigins(['npm'], `${tool} config get registry`, [await machine.run(tool, ['config', 'get', 'registry'])]));
  return found;
}

/** pip (its help shows the index in force) and uv. */
export async function pipOrigins(machine: Machine): Promise<readonly FoundOrigin[]> {
  const found: FoundOrigin[] = [];
  const help = (await machine.run('pip', ['install', '--help'])) ?? (await machine.run('pip3', ['install', '--help'])) ?? '';
  const shown = /--index-url[\s\S]{0,200}?\(default\s+(\S+?)\)/.exec(help)?.[1];
  found.push(...foundOrigins(['pip'], 'pip install --help', [shown]));
  const list = (await machine.run('pip', ['config', 'list'])) ?? (await machine.run('pip3', ['config', 'list']));
  found.push(...foundOrigins(['pip'], 'pip config list', linesWith(list, /index-url|find-links/).flatMap(urlsIn)));
  const files = [path.join(machine.home, '.pip', 'pip.conf'), path.join(machine.home, '.config', 'pip', 'pip.conf'), '/etc/pip.conf', machine.environment['PIP_CONFIG_FILE']];
  for (const file of files) if (file !== undefined) found.push(...foundOrigins(['pip'], file, indexUrlsOf(await machine.read(file))));
  const variables = ['PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL', 'PIP_FIND_LINKS', 'UV_INDEX_URL', 'UV_EXTRA_INDEX_URL', 'UV_DEFAULT_INDEX', 'UV_INDEX'];
  for (const name of variables) found.push(...foundOrigins(['pip'], name, words(machine.environment[name]).map((word) => word.replace(/^[\w-]+=/, ''))));
  for (const file of [path.join(machine.home, '.config', 'uv', 'uv.toml'), '/etc/uv/uv.toml', ...foldersUp(machine).flatMap((folder) => [path.join(folder, 'uv.toml'), path.join(folder, 'pyproject.toml')])]) {
    const text = await machine.read(file);
    const value = text === undefined ? undefined : safely(() => parseToml(text) as unknown);
    const settings = file.endsWith('pyproject.toml') ? entry(entry(value, 'tool'), 'uv') : value;
    found.push(...foundOrigins(['pip'], file, [...valuesOf(settings, /^(?:index-url|extra-index-url|find-links)$/), ...valuesOf(entry(settings, 'index'), /^url$/)]));
  }
  return found;
}

/** Values go on in the indented lines after their key. */
function indexUrlsOf(text: string | undefined): readonly string[] {
  const values = text?.match(/^\s*(?:extra-)?(?:index-url|find-links)\s*=.*(?:\n[ \t]+.*)*/gm) ?? [];
  return values.flatMap(urlsIn);
}

/** Configured registries and sources, and the indexes that cargo has used (it prints its default nowhere else). */
export async function cargoOrigins(machine: Machine): Promise<readonly FoundOrigin[]> {
  const found: FoundOrigin[] = [];
  const home = machine.environment['CARGO_HOME'] ?? path.join(machine.home, '.cargo');
  for (const folder of [home, ...foldersUp(machine).map((each) => path.join(each, '.cargo'))]) {
    for (const name of ['config.toml', 'config']) {
      const text = await machine.read(path.join(folder, name));
      if (text === undefined) continue;
      const value = safely(() => parseToml(text) as unknown);
      found.push(...foundOrigins(['cargo'], path.join(folder, name), [...valuesOf(entry(value, 'registries'), /^index$/), ...valuesOf(entry(value, 'source'), /^registry$/)]));
    }
  }
  for (const [name, value] of Object.entries(machine.environment)) if (/^CARGO_REGISTR(?:Y|IES_.*)_INDEX$/.test(name)) found.push(...foundOrigins(['cargo'], name, [value]));
  const used = (await machine.list(path.join(home, 'registry', 'index'))).map((name) => /^(.+)-[0-9a-f]{16}$/.exec(name)?.[1]).filter((host) => host !== undefined && host.includes('.'));
  found.push(...foundOrigins(['cargo'], `${home}/registry/index`, used.map((host) => `https://${host}/`)));
  return found;
}

/** The module proxies and the checksum database, as `go env` says. */
export async function goOrigins(machine: Machine): Promise<readonly FoundOrigin[]> {
  const answered = await machine.run('go', ['env', '-json', 'GOPROXY', 'GOSUMDB']);
  const settings = answered === undefined ? machine.environment : safely(() => JSON.parse(answered) as unknown);
  const proxies = words(textOf(entry(settings, 'GOPROXY'))).filter((proxy) => proxy !== 'direct' && proxy !== 'off');
  // "name", "name+hash+key" or "name+hash+key URL".
  const [name = '', address] = words(textOf(entry(settings, 'GOSUMDB')));
  const database = name === '' || name === 'off' ? [] : [address ?? `https://${name.split('+', 1)[0]}/`];
  return foundOrigins(['go'], 'go env', [...proxies, ...database]);
}

/** RubyGems' sources and Composer's repositories, as the tools print them. */
export async function scriptingOrigins(machine: Machine): Promise<readonly FoundOrigin[]> {
  const gems = await machine.run('gem', ['sources', '--list']);
  const composer = await machine.run('composer', ['config', '--global', '--list', '--no-interaction']);
  return [
    ...foundOrigins(['gem', 'rubygems', 'ruby'], 'gem sources', urlsIn(gems ?? '')),
    ...foundOrigins(['composer', 'php'], 'composer config', linesWith(composer, /^\[repositories\..*url\]/).flatMap(urlsIn)),
  ];
}

/** `registry` and `@scope:registry`. */
function registriesOf(entries: readonly (readonly [string, unknown])[]): readonly unknown[] {
  return entries.filter(([key]) => /^(?:@[^:]+:)?registry$/.test(key)).map(([, value]) => value);
}

function iniEntries(text: string | undefined): readonly (readonly [string, string])[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const at = line.indexOf('=');
    return at < 0 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1).trim().replace(/^["']|["']$/g, '')] as const];
  });
}

/** Texts under keys of this name, at any depth. */
export function valuesOf(value: unknown, key: RegExp, depth = 0): readonly string[] {
  if (depth > 8 || typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => {
    const own = key.test(name) ? [item].flat().filter((text): text is string => typeof text === 'string') : [];
    return [...own, ...valuesOf(item, key, depth + 1)];
  });
}

export function entry(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function linesWith(text: string | undefined, pattern: RegExp): readonly string[] {
  return (text ?? '').split('\n').filter((line) => pattern.test(line) && !/^\s*[#;]/.test(line));
}

/** A configuration file that its own tool could not read either says nothing. */
export function safely<Value>(parse: () => Value): Value | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

