import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { ComposePlan } from '../compose/compose-plan.js';
import { linkImage, makeBootable, readImageFacts, type RunnableLorax } from '../pungi/lorax.js';
import type { ComposeIdentity } from './compose-identity.js';
import { repositoryPath, variant, type TreePlaces } from './compose-layout.js';
import type { GenerationContext } from './generation-context.js';
import { logFiles } from './generation-log.js';
import type { ComposeImage } from './metadata-documents.js';
import type { StagedTree } from './tree-publication.js';

export interface BootImageWork {
  /** Absolute path of `compose/`. */
  readonly compose: string;
  readonly plan: ComposePlan;
  readonly identity: ComposeIdentity;
  readonly places: TreePlaces;
  readonly staged: StagedTree;
  readonly tool: RunnableLorax;
}

/** Has lorax make every architecture's tree one to install from; the image in it has a second name among the images, as Pungi gives it. */
export async function writeBootImages(context: GenerationContext, work: BootImageWork): Promise<ComposeImage[]> {
  const { compose, plan, identity, staged } = work;
  const images: ComposeImage[] = [];
  for (const { arch } of plan.trees) {
    context.progress('image', images.length, plan.trees.length);
    context.log.step(`lorax makes the boot.iso of ${arch}`);
    const image = await makeBootable(work.tool, {
      repository: path.join(compose, repositoryPath('os', arch)),
      scratch: path.join(staged.directory, 'work', arch, 'buildinstall', variant),
      logs: path.join(staged.directory, 'logs', arch, `buildinstall-${variant}-logs`),
      stdout: path.join(work.places.directory, logFiles.account),
      stderr: path.join(work.places.directory, logFiles.log),
      product: identity.release.name,
      version: identity.release.version,
      variant,
      arch,
      volumeId: `${identity.release.short}-${identity.release.version}-${variant}.${arch}`.slice(0, 32),
      mark: work.places.directory,
      paths: [[staged.directory, work.places.url]],
    });
    const relative = `${variant}/${arch}/iso/${identity.pungiComposeId}-${variant}-${arch}-boot.iso`;
    await linkImage(image, path.join(compose, relative));
    images.push({ arch, path: relative, type: 'boot', ...(await describeImage(image, context.signal)) });
  }
  return images;
}

async function describeImage(file: string, signal: AbortSignal): Promise<Pick<ComposeImage, 'size' | 'sha256' | 'time' | 'volumeId' | 'implantedMd5'>> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { signal }) as AsyncIterable<Buffer>) hash.update(chunk);
  const { size, mtimeMs } = await stat(file);
  return { size, sha256: hash.digest('hex'), time: Math.floor(mtimeMs / 1000), ...(await readImageFacts(file)) };
}
