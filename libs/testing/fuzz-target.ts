/** One parser of hostile bytes, as `npm run fuzz` drives it. */
export interface FuzzTarget {
  /** `deb.ar`: unique, for reports and for `npm run fuzz -- deb.ar`. */
  readonly name: string;
  /** Valid inputs that mutation begins from. */
  readonly seeds: () => readonly Buffer[];
  /** Resolves for every input that is read or refused with a reason (a MillraceError); rejects for everything else, which is a finding. */
  readonly run: (input: Buffer) => Promise<void>;
}
