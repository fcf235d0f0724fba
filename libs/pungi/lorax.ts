import { access, link, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { MillraceError } from '../errors/millrace-error.js';
import type { Environment } from '../settings/settings.js';
import { toolEnvironment } from './compose-tools.js';
import { failureOf } from './pungi-failure.js';
import { defaultLorax, type LoraxSettings } from './pungi-settings-schema.js';
import { readPungiSettings, readValidPungiSettings } from './read-pungi-settings.js';
import type { SupervisedTool, ToolEnd } from './supervised-tool.js';

/** As it is on this machine. */
export interface LoraxTool {
  /** Absolute path. */
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface RunnableLorax extends LoraxTool {
  readonly run: (tool: SupervisedTool) => Promise<ToolEnd>;
}

export interface InstallationTree {
  /** Absolute paths. `repository`: has `repodata`; what lorax makes is put beside that. */
  readonly repository: string;
  /** Must not be there; removed in any case. */
  readonly scratch: string;
  /** Of logs of lorax's own. */
  readonly logs: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly product: string;
  readonly version: string;
  readonly variant: string;
  /** As trees are called. */
  readonly arch: string;
  /** At most 32 characters. */
  readonly volumeId: string;
  /** See `SupervisedTool.mark`. */
  readonly mark: string;
  /** Paths that nobody outside knows, and what stands for them. */
  readonly paths: readonly (readonly [path: string, shown: string])[];
}

/** Bytes that lorax may say on each of its outputs. */
const longestOutput = 64 * 1024 ** 2;

/** Those that this kernel runs programs of. */
const archesOfMachine: Readonly<Partial<Record<NodeJS.Architecture, readonly string[]>>> = {
  x64: ['x86_64', 'i386', 'i486', 'i586', 'i686'],
  ia32: ['i386', 'i486', 'i586', 'i686'],
  arm64: ['aarch64'],
  arm: ['armhfp', 'armv7hl', 'armv7hnl', 'armv7l'],
  ppc64: ['ppc64le'],
  s390x: ['s390x'],
  riscv64: ['riscv64'],
  loong64: ['loongarch64'],
};
/** What lorax calls trees of another name. */
const buildArches: Readonly<Record<string, string>> = { i386: 'i686', armhfp: 'armv7hl' };

/** Lorax runs programs of what it makes. */
export function bootableHere(arch: string): boolean {
  return archesOfMachine[process.arch]?.includes(arch) === true;
}

/** For requests. */
export function loraxSettings(file: string | undefined): LoraxSettings {
  return (file === undefined ? undefined : readValidPungiSettings(file)?.lorax) ?? defaultLorax;
}

/** Errors: `tool-not-found`, `invalid-setting`. */
export function settleLorax(file: string | undefined, { findTool, environment }: { readonly findTool: (name: string) => string | undefined; readonly environment: Environment }): LoraxTool {
  const settings = file === undefined ? defaultLorax : readPungiSettings(file).lorax;
  const program = findTool(settings.program);
  if (program === undefined) throw new MillraceError('tool-not-found', `${settings.program}, which makes boot.iso, is not on this worker`, { suggestion: 'Install it, or correct MILLRACE_PUNGI.' });
  return { program, arguments: settings.arguments, environment: toolEnvironment(environment, settings.environment) };
}

/**
 * Makes a tree of packages one that can be installed from: `images/boot.iso`, kernels, boot loaders, `.treeinfo`, as Pungi has them in its trees. Answers the
 * absolute path of the image. Errors: `unresolvable` with lorax's own words, `storage-full`, `internal`.
 */
export async function makeBootable(lorax: RunnableLorax, tree: InstallationTree): Promise<string> {
  await mkdir(tree.logs, { recursive: true });
  await mkdir(path.dirname(tree.scratch), { recursive: true });
  try {
    const end = await lorax.run({ program: lorax.program, args: loraxArguments(lorax, tree), directory: path.dirname(tree.scratch), environment: lorax.environment, stdout: tree.stdout, stderr: tree.stderr, outputLimit: longestOutput, mark: tree.mark });
    if (end.code !== 0) {
      const look = [[tree.logs, 'program.log'], [path.dirname(tree.stderr), path.basename(tree.stderr)]].map(([directory = '', file = '']) => ({ directory, file, take: 'tail' as const }));
      throw await failureOf({ name: `lorax for ${tree.arch}`, end, logs: look.reverse(), paths: tree.paths });
    }
    await moveInto(tree);
  } finally {
    await rm(tree.scratch, { recursive: true, force: true, maxRetries: 3 });
  }
  return path.join(tree.repository, 'images', 'boot.iso');
}

function loraxArguments({ arguments: own }: LoraxTool, { product, version, repository, variant, arch, volumeId, logs, scratch }: InstallationTree): string[] {
  return [
    `--product=${product}`,
    `--version=${version}`,
    `--release=${version}`,
    `--source=file://${encodeURI(repository)}`,
    `--variant=${variant}`,
    '--nomacboot',
    '--noupgrade',
    `--buildarch=${buildArches[arch] ?? arch}`,
    `--volid=${volumeId}`,
    `--logfile=${path.join(logs, 'lorax.log')}`,
    ...own,
    scratch,
  ];
}

async function moveInto({ scratch, repository, arch }: InstallationTree): Promise<void> {
  const image = await lstat(path.join(scratch, 'images', 'boot.iso')).catch(() => undefined);
  if (image?.isFile() !== true) throw new MillraceError('unresolvable', `lorax has made no images/boot.iso for ${arch}`, { suggestion: 'Its log says more; it needs packages of a kernel, of boot loaders and of anaconda.' });
  for (const name of await readdir(scratch)) {
    const place = path.join(repository, name);
    if (await access(place).then(() => true, () => false)) throw new MillraceError('unresolvable', `lorax has made ${name} for ${arch}, which the repository has already`);
    await rename(path.join(scratch, name), place);
  }
}

/** What an image says of itself (ECMA-119, and what implantisomd5 writes). */
export async function readImageFacts(file: string): Promise<{ readonly volumeId: string; readonly implantedMd5: string | null }> {
  const handle = await open(file);
  try {
    const descriptor = Buffer.alloc(2048);
    await handle.read(descriptor, 0, descriptor.length, 16 * 2048);
    if (descriptor.toString('latin1', 1, 6) !== 'CD001') throw new MillraceError('unresolvable', `${path.basename(file)} is no ISO 9660 image`);
    const application = descriptor.toString('latin1', 883, 883 + 512);
    return { volumeId: descriptor.toString('latin1', 40, 72).trimEnd(), implantedMd5: /ISO MD5SUM = ([0-9a-f]{32})/.exec(application)?.[1] ?? null };
  } finally {
    await handle.close();
  }
}

/** The same image by another name, when its bytes are on the disk. */
export async function linkImage(image: string, target: string): Promise<void> {
  const handle = await open(image);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await mkdir(path.dirname(target), { recursive: true });
  await link(image, target);
}
