import type { PinnedInputs } from '../../compose/compose-plan.js';
import type { ComposeRequest } from '../../compose/compose-request.js';
import type { GitCheckout } from '../../git-checkout/checkout.js';
import type { KojiSource } from '../../koji/koji-source.js';
import type { PulpSource } from '../../pulp/pulp-source.js';
import type { ModuleBuildService } from '../../mbs/module-build-service.js';
import type { RepositorySource, SourceOptions } from '../../repository-source/repository-source.js';
import type { Settings } from '../../settings/settings.js';
import type { RawConfigs } from '../../pungi/raw-configs.js';
import type { ContentStore } from '../../repository-source/content-store.js';
import type { EngineOptions, GeneratedTree, GenerationJob } from '../compose-engine.js';
import type { ComposePlaces, TreePlaces } from '../compose-layout.js';
import type { GenerationContext } from '../generation-context.js';
import type { GenerationLog } from '../generation-log.js';
import type { StagedTree } from '../tree-publication.js';
import type { TreeWork } from '../tree-work.js';

/** What requests of one source type mean: the one place where a type is known. */
export interface SourceKind {
  /** What this service would need and does not have; undefined: it makes such composes. */
  missing(options: CheckOptions): string | undefined;
  /** What is wrong with a request, a reason each. Asks no network. */
  check(request: ComposeRequest, options: CheckOptions): string[];
  /** Its plans say where things are, not which: a renewal asks the source again. */
  readonly pinsAnew?: true;
  /** Fetches what pins the sources. Errors: those of `ComposeEngine.pin`. */
  pin(parts: PinningParts, request: ComposeRequest, options: SourceOptions): Promise<PinnedInputs>;
  /** Of types that another program makes: has it write a whole tree into the attempt's directory. Runs in the engine's own process, before its generation in a thread. */
  readonly writeTree?: (parts: WritingParts, tree: WrittenTree, options: EngineOptions) => Promise<void>;
  /** Checks what was written so, and makes it visible. In place of all that is done for types whose packages are planned here. */
  readonly settleTree?: (context: GenerationContext, work: TreeWork) => Promise<GeneratedTree>;
  /** After a tree became visible, or was found to be; more than once, perhaps. */
  readonly published?: (places: TreePlaces, job: GenerationJob, generated: GeneratedTree) => Promise<void>;
}

export interface WritingParts extends Pick<PinningParts, 'rawConfigs'> {
  readonly store: ContentStore;
}

export interface WrittenTree {
  readonly job: GenerationJob;
  readonly places: TreePlaces;
  readonly staged: StagedTree;
  readonly log: GenerationLog;
}

export interface CheckOptions extends ComposePlaces, Pick<Settings, 'koji' | 'moduleBuildService' | 'pulpFile' | 'pungiFile'> {
  readonly hasTool: (name: string) => boolean;
}

export interface PinningParts {
  readonly source: RepositorySource;
  /** Undefined: no hub is configured. */
  readonly koji: KojiSource | undefined;
  /** Undefined: no Pulp server is configured. */
  readonly pulp: PulpSource | undefined;
  /** Undefined: no configurations of Pungi are configured. */
  readonly rawConfigs: RawConfigs | undefined;
  /** Undefined: no module build service is configured. */
  readonly modules: ModuleBuildService | undefined;
  readonly git: GitCheckout;
  readonly store: ContentStore;
}

/** Each is asked for by a call of its own. */
export const mostBuilds = 5000;

/** One small request could else have this service ask others a hundred thousand times. */
export const mostRepositories = 1000;

export function isPlace(place: string): boolean {
  return place.startsWith('/') || /^(https?|file):$/.test(URL.parse(place)?.protocol ?? '');
}

/** Of places that are no addresses. */
export function placeReasons(places: readonly string[]): string[] {
  return places.filter((place) => !isPlace(place)).map((place) => `${place} is neither an http(s) or file URL nor an absolute path`);
}

/** For types that this service does not make, whatever is configured. */
export function unsupported(what: string): SourceKind {
  const refuse = (): never => {
    throw new Error(`nothing pins sources that need ${what}`);
  };
  return { missing: () => what, check: () => [], pin: refuse };
}
