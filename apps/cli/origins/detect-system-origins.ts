import path from 'node:path';
import { readKeys, type Key } from 'openpgp';
import { parse as parseToml } from 'smol-toml';
import { entry, linesWith, safely, valuesOf } from './detect-language-origins.js';
import { foundOrigins, originOf, urlsIn, type Found, type FoundKey, type FoundOrigin } from './found-origin.js';
import { foldersUp, type Machine } from './machine.js';

/** Indexes and source packages, and binary packages: inspectors of two names. */
const apt = [['apt'], ['deb']] as const;

/** One-line and deb822 sources, and the keys that they must be signed by. */
export async function aptOrigins(machine: Machine): Promise<Found> {
  const folder = '/etc/apt/sources.list.d';
  const names = (await machine.list(folder)).filter((name) => /\.(?:list|sources)$/.test(name));
  const origins: FoundOrigin[] = [];
  const keys: FoundKey[] = [];
  for (const file of ['/etc/apt/sources.list', ...names.map((name) => path.join(folder, name))]) {
    const text = await machine.read(file);
    if (text === undefined) continue;
    for (const { urls, signedBy } of file.endsWith('.sources') ? stanzas(text) : sourceLines(text)) {
      const found = apt.flatMap((ecosystems) => foundOrigins(ecosystems, file, urls));
      origins.push(...found);
      const fingerprints = await fingerprintsOf(machine, signedBy);
      if (fingerprints.length > 0) keys.push(...found.map(({ ecosystems, origin }) => ({ ecosystems, host: new URL(origin).host, keys: fingerprints, from: file })));
    }
  }
  return { origins, keys };
}

interface AptSource {
  readonly urls: readonly string[];
  readonly signedBy: string;
}

function sourceLines(text: string): readonly AptSource[] {
  return linesWith(text, /^\s*deb(?:-src)?\s/).map((line) => ({ urls: urlsIn(line), signedBy: /signed-by=([^\s\]]+)/i.exec(line)?.[1] ?? '' }));
}

function stanzas(text: string): readonly AptSource[] {
  return text.split(/\n\s*\n/).map((stanza) => {
    const field = (name: string): string => new RegExp(`^${name}:((?:.*\\n?(?:[ \\t]+.*\\n?)*))`, 'im').exec(stanza.replace(/^#.*\n?/gm, ''))?.[1]?.trim() ?? '';
    return /^no$/i.test(field('Enabled')) ? { urls: [], signedBy: '' } : { urls: urlsIn(field('URIs')), signedBy: field('Signed-By') };
  });
}

/** Of key files, of a key in the field itself, and of fingerprints that stand there as they are. */
async function fingerprintsOf(machine: Machine, signedBy: string): Promise<readonly string[]> {
  if (signedBy.includes('BEGIN PGP')) return fingerprints(Buffer.from(signedBy.replace(/^ ?\.?$/gm, '').replace(/^[ \t]+/gm, '')));
  const found: string[] = [];
  for (const word of signedBy.split(/[\s,]+/).filter((part) => part !== '')) {
    if (/^[0-9A-Fa-f]{40}!?$/.test(word)) found.push(`openpgp:${word.slice(0, 40).toUpperCase()}`);
    const bytes = path.isAbsolute(word) ? await machine.readBytes(word) : undefined;
    if (bytes !== undefined) found.push(...(await fingerprints(bytes)));
  }
  return [...new Set(found)];
}

async function fingerprints(bytes: Buffer): Promise<readonly string[]> {
  const armored = bytes.subarray(0, 200).includes('BEGIN PGP');
  try {
    const keys = armored ? await armoredKeys(bytes.toString('latin1')) : await readKeys({ binaryKeys: bytes });
    return keys.map((key) => `openpgp:${key.getFingerprint().toUpperCase()}`);
  } catch {
    return [];
  }
}

/** A file may have several armoured blocks, one after the other. */
async function armoredKeys(text: string): Promise<readonly Key[]> {
  const blocks = text.match(/-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]*?-----END PGP PUBLIC KEY BLOCK-----/g) ?? [];
  return (await Promise.all(blocks.slice(0, 100).map((armoredKey) => readKeys({ armoredKeys: armoredKey })))).flat();
}

export async function rpmOrigins(machine: Machine): Promise<readonly FoundOrigin[]> {
  const found: FoundOrigin[] = [];
  for (const folder of ['/etc/yum.repos.d', '/etc/zypp/repos.d']) {
    for (const name of await machine.list(folder)) {
      const file = path.join(folder, name);
      if (!name.endsWith('.repo')) continue;
      const enabled = ((await machine.read(file)) ?? '').split(/^(?=\[)/m).filter((section) => !/^enabled\s*=\s*(?:0|no|false)\s*$/im.test(section));
      found.push(...foundOrigins(['rpm', 'dnf'], file, enabled.flatMap((section) => linesWith(section, /^\s*(?:baseurl|mirrorlist|metalink)\s*=|^\s+http/)).flatMap(urlsIn)));
    }
  }
  return found;
}

/** Settings and init scripts. What stands in them as `http://www.w3.org` and the like are names of XML, not places. */
export async function javaOrigins(machine: Machine): Promise<readonly FoundOrigin[]> {
  const found: FoundOrigin[] = [];
  const mavenHome = /^Maven home: (.+)$/m.exec((await machine.run('mvn', ['--version'])) ?? '')?.[1]?.trim();
  const settings = [path.join(machine.home, '.m2', 'settings.xml'), ...(mavenHome === undefined ? [] : [path.join(mavenHome, 'conf', 'settings.xml')])];
  for (const file of settings) {
    // A mirror that blocks is a place where nothing comes from.
    const text = ((await machine.read(file)) ?? '').replace(/<!--[\s\S]*?-->/g, '').replace(/<mirror>(?:(?!<\/mirror>)[\s\S])*<blocked>\s*true\s*<\/blocked>[\s\S]*?<\/mirror>/g, '');
    found.push(...foundForJvm(file, urlElements(text)));
  }
  if (mavenHome !== undefined) found.push(...(await builtInRepositories(machine, path.join(mavenHome, 'lib'))));
  const gradle = machine.environment['GRADLE_USER_HOME'] ?? path.join(machine.home, '.gradle');
  const scripts = (await machine.list(path.join(gradle, 'init.d'))).map((name) => path.join(gradle, 'init.d', name));
  for (const file of [path.join(gradle, 'init.gradle'), path.join(gradle, 'init.gradle.kts'), ...scripts]) {
    found.push(...foundForJvm(file, linesWith(await machine.read(file), /url|maven/i).filter((line) => !/^\s*\/\//.test(line)).flatMap(urlsIn)));
  }
  for (const folder of foldersUp(machine)) {
    const file = path.join(folder, 'gradle', 'wrapper', 'gradle-wrapper.properties');
    found.push(...foundOrigins(['gradle'], file, linesWith(await machine.read(file), /^\s*distributionUrl\s*=/).flatMap((line) => urlsIn(line.replaceAll('\\:', ':')))));
  }
  return found;
}

/** What Maven fetches from without any configuration stands in the POM that all POMs inherit from, in one of its own archives. */
async function builtInRepositories(machine: Machine, folder: string): Promise<readonly FoundOrigin[]> {
  const archive = (await machine.list(folder)).find((name) => /^maven-model-builder-.*\.jar$/.test(name));
  const pom = archive === undefined ? undefined : await machine.run('unzip', ['-p', path.join(folder, archive), 'org/apache/maven/model/pom-4.0.0.xml']);
  return pom === undefined ? [] : foundForJvm(`${folder}/${archive}`, urlElements(pom));
}

function urlElements(xml: string): readonly (string | undefined)[] {
  return [...xml.matchAll(/<url>\s*([^<]+?)\s*<\/url>/g)].map((match) => match[1]);
}

/** Gradle's own module files lie beside Maven's. */
function foundForJvm(file: string, urls: readonly unknown[]): readonly FoundOrigin[] {
  return [['maven'], ['gradle']].flatMap((ecosystems) => foundOrigins(ecosystems, file, urls));
}

export async function nugetOrigins(machine: Machine): Promise<readonly FoundOrigin[]> {
  const found: FoundOrigin[] = [];
  const files = [path.join(machine.home, '.nuget', 'NuGet', 'NuGet.Config'), path.join(machine.home, '.config', 'NuGet', 'NuGet.Config'), ...foldersUp(machine).flatMap((folder) => ['nuget.config', 'NuGet.Config'].map((name) => path.join(folder, name)))];
  for (const file of files) {
    const sources = /<packageSources>([\s\S]*?)<\/packageSources>/.exec(((await machine.read(file)) ?? '').replace(/<!--[\s\S]*?-->/g, ''))?.[1] ?? '';
    found.push(...foundOrigins(['nuget'], file, urlsIn(sources)));
  }
  return found;
}

/** Registries of containers' own configuration and the mirrors of Docker's daemon. */
export async function ociOrigins(machine: Machine): Promise<readonly FoundOrigin[]> {
  const found: FoundOrigin[] = [];
  const ecosystems = ['oci', 'docker'];
  for (const file of ['/etc/containers/registries.conf', path.join(machine.home, '.config', 'containers', 'registries.conf')]) {
    const text = await machine.read(file);
    if (text === undefined) continue;
    const value = safely(() => parseToml(text) as unknown);
    const hosts = [...valuesOf(value, /^unqualified-search-registries$/), ...valuesOf(entry(value, 'registry'), /^(?:location|prefix)$/)];
    found.push(...foundOrigins(ecosystems, file, hosts.map((host) => `https://${host.replace(/^\*\./, '')}`)));
  }
  for (const file of ['/etc/docker/daemon.json', path.join(machine.home, '.docker', 'daemon.json')]) {
    const text = await machine.read(file);
    if (text !== undefined) found.push(...foundOrigins(ecosystems, file, valuesOf(safely(() => JSON.parse(text) as unknown), /^registry-mirrors$/).filter((url) => originOf(url) !== undefined)));
  }
  return found;
}
