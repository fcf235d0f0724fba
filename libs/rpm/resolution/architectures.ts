/** Which architectures' packages go into a tree, best first. */
export interface TreeArchitectures {
  /** `x86_64`, …, and `noarch` at last. */
  readonly native: readonly string[];
  /** Of the other word size on the same machine: `i686`, …. Empty where there is none. */
  readonly secondary: readonly string[];
}

/** Each runs packages of the next. Source: rpm's rpmrc(5), `arch_compat`. */
const compatible: Readonly<Record<string, string>> = {
  x86_64_v4: 'x86_64_v3',
  x86_64_v3: 'x86_64_v2',
  x86_64_v2: 'x86_64',
  athlon: 'i686',
  geode: 'i586',
  i686: 'i586',
  i586: 'i486',
  i486: 'i386',
  ppc64p7: 'ppc64',
  armv7hnl: 'armv7hl',
  armv7hl: 'armv6hl',
  armv7l: 'armv6l',
  armv6l: 'armv5tejl',
  armv5tejl: 'armv5tel',
  sparc64v: 'sparc64',
  sparcv9v: 'sparcv9',
  sparcv9: 'sparcv8',
  sparcv8: 'sparc',
  sh4a: 'sh4',
};

/** First of the other word size. */
const biarch: Readonly<Record<string, string>> = { x86_64: 'athlon', ppc64: 'ppc', s390x: 's390', sparc64: 'sparcv9v' };

/** A tree's name need not be that of its newest packages' architecture. */
const best: Readonly<Record<string, string>> = { i386: 'athlon', armhfp: 'armv7hnl', arm: 'armv7l', sparc: 'sparcv9v', amd64: 'x86_64', arm64: 'aarch64' };

const standAlone = ['aarch64', 'ppc64le', 'riscv64', 'loongarch64', 'ia64', 'alpha', 'sh3', 'mips', 'mipsel', 'mips64', 'mips64el'];
const known: ReadonlySet<string> = new Set([...[compatible, biarch, best].flatMap((table) => [...Object.keys(table), ...Object.values(table)]), ...standAlone, 'noarch', 'src', 'nosrc']);

/** Unknown architectures are compatible with themselves and `noarch`. */
export function treeArchitectures(arch: string): TreeArchitectures {
  const native = chain(Object.hasOwn(best, arch) ? (best[arch] as string) : arch);
  const base = native.find((one) => Object.hasOwn(biarch, one));
  return { native: [...native, 'noarch'], secondary: base === undefined ? [] : chain(biarch[base] as string) };
}

/** Whether what stands after the last dot of `name.arch` is an architecture. */
export function isArchitecture(text: string): boolean {
  return known.has(text);
}

export function isSourceArchitecture(arch: string): boolean {
  return arch === 'src' || arch === 'nosrc';
}

function chain(arch: string): readonly string[] {
  return Object.hasOwn(compatible, arch) ? [arch, ...chain(compatible[arch] as string)] : [arch];
}
