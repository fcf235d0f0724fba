/** Words of the ODCS contract and the numbers that its JSON has for some of them (../shared/reference/odcs.md, section 1). */
export const sourceTypes = { tag: 1, module: 2, repo: 3, pulp: 4, raw_config: 5, build: 6, pungi_compose: 7 } as const;
export const composeStates = { wait: 0, generating: 1, done: 2, removed: 3, failed: 4 } as const;
export const composeFlags = {
  no_flags: 0,
  no_deps: 1,
  no_inheritance: 2,
  include_unpublished_pulp_repos: 4,
  check_deps: 8,
  include_done_modules: 16,
  ignore_absent_pulp_repos: 32,
  no_reuse: 64,
  use_only_compatible_arch: 128,
  no_label: 256,
} as const;
export const composeResults = { repository: 1, iso: 2, ostree: 4, 'boot.iso': 8 } as const;
export const multilibMethods = { none: 0, runtime: 1, devel: 2, all: 4 } as const;

export type SourceType = keyof typeof sourceTypes;
export type ComposeState = keyof typeof composeStates;
export type ComposeFlag = keyof typeof composeFlags;
export type ComposeResult = keyof typeof composeResults;
export type MultilibMethod = keyof typeof multilibMethods;
