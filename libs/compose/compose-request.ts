import type { ComposeFlag, ComposeResult, MultilibMethod, SourceType } from './compose-vocabulary.js';

/** What a client asked for, validated, with every default settled. Lists are in the client's order, without repetitions. */
export interface ComposeRequest {
  readonly sourceType: SourceType;
  /** What the client's `source` names, at most: tags, modules, URLs, …; empty for builds. */
  readonly source: readonly string[];
  readonly packages: readonly string[];
  readonly builds: readonly string[];
  /** Key ids in the order of preference; an empty string allows unsigned packages. Empty: signatures do not matter. */
  readonly sigkeys: readonly string[];
  readonly kojiEvent: number | null;
  readonly modularKojiTags: readonly string[];
  readonly moduleDefaults: { readonly url: string; readonly commit: string } | null;
  readonly modules: readonly string[];
  readonly scratchModules: readonly string[];
  readonly scratchBuildTasks: readonly string[];
  readonly baseModule: { readonly name: string | null; readonly stream: string | null; readonly streamVersionLte: number | null; readonly streamVersionGte: number | null };
  /** Without `no_flags`. */
  readonly flags: readonly ComposeFlag[];
  /** `repository` always among them. */
  readonly results: readonly ComposeResult[];
  readonly arches: readonly string[];
  /** Some of `arches`. */
  readonly multilibArches: readonly string[];
  readonly multilibMethods: readonly Exclude<MultilibMethod, 'none'>[];
  readonly lookasideRepos: readonly string[];
  readonly label: string | null;
  /** `test` unless told. */
  readonly composeType: string;
  /** `default`, or a name of the settings. */
  readonly targetDir: string;
  readonly parentPungiComposeIds: readonly string[];
  readonly respinOf: string | null;
  /** Seconds from the end of generation until it expires. */
  readonly secondsToLive: number;
  /** Renewals: lower-case hex SHA-256 of the plan whose very packages this compose has again. */
  readonly pinnedPlan: string | null;
}
