import { z } from 'zod';
import { packageKey, repositoryName } from './repository-schemas.js';

/** What a builder asks before a build, and is answered. */
const fileNames = z.array(packageKey).max(20_000).default([]);

export const feedRequest = z
  .strictObject({
    wanted: z.array(z.string().min(1).max(512)).max(1000).default([]).describe('Requirements in the words of the package manager (`haiku >= r1~beta5`), or keys of packages.'),
    packages: fileNames.describe('Names of the package files that the builder has in `packages/`.'),
    systemPackages: fileNames.describe('Those that it has in `system-packages/`.'),
    systemRepository: repositoryName.optional().describe('What the builder takes its system packages from, where that is another repository of the same kind; without it, they are from elsewhere, and none of them is dropped.'),
  })
  .meta({ id: 'FeedRequest' });

export const feed = z
  .object({
    state: z.int().min(0).describe('The state that this is about.'),
    fetch: z.array(z.object({ key: z.string(), repository: z.string(), sha256: z.string(), size: z.int().min(0), url: z.string() })).describe('What the build needs and the builder has in neither folder.'),
    keep: z.array(z.string()),
    drop: z.array(z.string()).describe('What neither repository lists any more.'),
    unresolved: z.array(z.object({ requirement: z.string(), reason: z.string() })),
  })
  .meta({ id: 'Feed' });

export type Feed = z.infer<typeof feed>;
