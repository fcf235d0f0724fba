import type { ModuleId } from './module-name.js';

/** A build of a module, wherever it was learnt of. */
export interface ModuleBuild extends ModuleId {
  /** What it needs at run time, base modules among it. */
  readonly requires: readonly { readonly name: string; readonly stream: string }[];
  /** Those of the base modules that it was built for: newer ones are not for its users. */
  readonly builtFor: readonly BaseStream[];
  /** In the module build service; undefined: learnt from Koji. */
  readonly id?: number | undefined;
  /** The Koji tag that has its packages; undefined: Koji's own build of it says so. */
  readonly tag?: string | undefined;
  readonly scratch: boolean;
}

export interface BaseStream {
  readonly name: string;
  readonly stream: string;
  /** The stream as a number that grows: 80300 of `el8.3.0`. */
  readonly streamVersion: number;
}
