/** Architectures of trees, as rpm names them. */
export const treeArches: ReadonlySet<string> = new Set([
  ...['x86_64', 'i386', 'i486', 'i586', 'i686', 'aarch64', 'armhfp', 'armv7hl', 'armv7hnl', 'armv7l', 'ppc', 'ppc64', 'ppc64le', 's390', 's390x'],
  ...['riscv64', 'loongarch64', 'mips64el', 'mipsel', 'ia64', 'sparc64', 'alpha'],
]);
