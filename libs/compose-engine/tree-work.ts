import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { RunnableLorax } from '../pungi/lorax.js';
import type { GenerationJob } from './compose-engine.js';
import type { TreePlaces } from './compose-layout.js';
import type { StagedTree } from './tree-publication.js';
import type { ImageTool } from './write-images.js';

export interface TreeWork {
  readonly job: GenerationJob;
  readonly places: TreePlaces;
  readonly staged: StagedTree;
  /** Undefined where no image is asked for. */
  readonly imageTool: ImageTool | undefined;
  /** Undefined where no bootable image is asked for. */
  readonly bootTool: RunnableLorax | undefined;
}

/** Lower-case hex SHA-256 of all that decides what a tree has in it. */
export function digestOfJob({ id, inputs, startedAt }: GenerationJob): string {
  return createHash('sha256').update(canonicalize({ id, inputs, startedAt }) as string).digest('hex');
}
