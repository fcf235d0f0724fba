/** Who asks. */
export interface Principal {
  /** As the record keeps it: the owner of what is asked for. `unknown` where nobody has to say who they are, as in ODCS. */
  readonly name: string;
  /** Of claims and of the directory, without repetition. */
  readonly groups: readonly string[];
  /** How the name was proven; `none`: it was not. */
  readonly by: 'none' | 'control' | 'bearer' | 'certificate' | 'kerberos' | 'front-end';
  /** Of an OAuth token; undefined where there is none, and no scope can be asked for. */
  readonly scopes: readonly string[] | undefined;
}

/** What Millrace does for others; everybody's rights are told apart by these. */
export const capabilities = ['sessions', 'composes', 'repositories', 'cache', 'service'] as const;
export type Capability = (typeof capabilities)[number];

/** Each includes those before it. */
export const roles = ['reader', 'writer', 'admin'] as const;
export type Role = (typeof roles)[number];
