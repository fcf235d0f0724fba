import type { GitCheckout } from '../git-checkout/checkout.js';
import type { KojiSource } from '../koji/koji-source.js';
import type { ModuleBuildService } from '../mbs/module-build-service.js';
import type { ContentStore } from '../repository-source/content-store.js';
import type { RepositorySource } from '../repository-source/repository-source.js';
import type { RepositoryWriter } from '../rpm-repository/repository-writer.js';
import type { SelectPackages } from '../rpm/resolution/select-packages.js';
import type { BucketTrees } from './bucket-trees.js';
import type { GenerationProgress } from './compose-engine.js';
import type { GenerationLog } from './generation-log.js';

/** What the steps of a generation work with. */
export interface GenerationContext {
  readonly source: RepositorySource;
  readonly koji: KojiSource | undefined;
  readonly modules: ModuleBuildService | undefined;
  readonly git: GitCheckout;
  readonly store: ContentStore;
  readonly writer: RepositoryWriter;
  /** Where this compose is published, too. */
  readonly bucket: BucketTrees | undefined;
  readonly select: SelectPackages;
  readonly log: GenerationLog;
  readonly signal: AbortSignal;
  readonly progress: (step: GenerationProgress['step'], done: number, total: number) => void;
}
