/**
 * Stable names of composes: `/composes/latest/<name>/` is the newest good compose of that name. A compose that a name points at does not expire.
 * Each change is an event of the stream `compose-name:<name>`. Errors: `compose-name-not-found`, `compose-not-found`, `compose-closed` (it is not done,
 * or there is none to go back to), `invalid-request` (no such name may be, or the compose has no public address), `database-unavailable`.
 */
export interface ComposeNames {
  /** Points the name at a compose that is done. Again: nothing changes. A compose older than the one that it points at is left out unless `force`. */
  promote(name: string, composeId: number, options: { readonly by: string; readonly force?: boolean }): Promise<ComposeName>;
  /** Points it at the compose before, or at the one given, which must be done still; composes up to the newest that it ever pointed at are not taken again by themselves. */
  rollBack(name: string, options: { readonly by: string; readonly to?: number }): Promise<ComposeName>;
  remove(name: string, by: string): Promise<void>;
  get(name: string): Promise<ComposeName>;
  list(page: { readonly limit: number; readonly after?: string }): Promise<readonly ComposeName[]>;
  /** Newest first. */
  history(name: string, limit: number): Promise<readonly NamedCompose[]>;
}

export interface ComposeName {
  readonly name: string;
  readonly composeId: number;
  /** RFC 3339: since when it points there. */
  readonly since: string;
  readonly by: string;
}

export interface NamedCompose {
  readonly composeId: number;
  readonly since: string;
  readonly by: string;
  readonly kind: 'promoted' | 'rolled-back';
}

export { composeNamePattern } from '../compose/compose-name-pattern.js';
