import { readFileSync } from 'node:fs';
import path from 'node:path';

/** What `mksquashfs` made of `meta/snap.yaml` (name millrace-sample, version 1.10) with this compressor. (Jest takes files named .snap for its own.) */
export function sampleSnap(compressor: 'gzip' | 'xz' | 'zstd' | 'lzo'): Buffer {
  return readFileSync(path.join(import.meta.dirname, `millrace-sample-${compressor}.squashfs`));
}
