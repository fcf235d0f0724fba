/** By their numbers in the format. */
export const architectures = ['any', 'x86', 'x86_gcc2', 'source', 'x86_64', 'ppc', 'arm', 'm68k', 'sparc', 'arm64', 'riscv64'] as const;
export type Architecture = (typeof architectures)[number];
