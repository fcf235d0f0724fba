import type { ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { ComposePlan } from '../compose/compose-plan.js';
import type { ComposeIdentity } from './compose-identity.js';
import { repositoryPath, variant } from './compose-layout.js';
import type { GenerationContext } from './generation-context.js';
import { writeIsoImage } from './iso-image.js';
import type { ComposeImage } from './metadata-documents.js';

export interface ImageTool {
  /** Absolute path of `xorriso`. */
  readonly path: string;
  /** Told of its processes, so that they end with the generation. */
  readonly onChild: (child: ChildProcess) => void;
}

/** An image of every architecture's packages, named as Pungi names them. */
export async function writeImages(context: GenerationContext, compose: string, options: { readonly plan: ComposePlan; readonly identity: ComposeIdentity; readonly tool: ImageTool }): Promise<ComposeImage[]> {
  const { plan, identity, tool } = options;
  const images: ComposeImage[] = [];
  const totalBytes = plan.trees.reduce((sum, { packages }) => sum + sizeOf(packages), 0);
  let before = 0;
  for (const { arch, packages } of plan.trees) {
    const relative = `${variant}/${arch}/iso/${identity.pungiComposeId}-${variant}-${arch}-dvd1.iso`;
    const file = path.join(compose, relative);
    await mkdir(path.dirname(file), { recursive: true });
    const volumeId = `${identity.release.short}-${identity.release.version}-${variant}.${arch}`.slice(0, 32);
    context.log.step(`writing the image ${path.basename(file)} (volume ${volumeId})`);
    const { size, sha256 } = await writeIsoImage({
      tool: tool.path,
      directory: path.join(compose, repositoryPath('os', arch)),
      file,
      volumeId,
      time: plan.sourceDate,
      signal: context.signal,
      onChild: tool.onChild,
      onBytes: (bytes) => context.progress('image', Math.min(before + bytes, totalBytes), totalBytes),
    });
    before += sizeOf(packages);
    context.log.info(`${path.basename(file)}: ${size} bytes, sha256 ${sha256}`);
    images.push({ arch, path: relative, size, sha256, volumeId, time: plan.sourceDate, type: 'dvd', implantedMd5: null });
  }
  return images;
}

function sizeOf(packages: readonly { readonly size: number }[]): number {
  return packages.reduce((sum, { size }) => sum + size, 0);
}
