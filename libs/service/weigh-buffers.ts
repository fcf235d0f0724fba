import { setFlagsFromString } from 'node:v8';

/**
 * Buffers lie outside of V8's heap. By default V8 collects the whole heap, with all code and all types in it, after each 64 MiB of new buffers: three times for a blob of 64 MiB that passes
 * through, which was half of the processor time. With this they count with the heap, which is collected when both together have grown.
 */
export function weighBuffersWithHeap(): void {
  if (Number(process.versions.node.split('.')[0]) >= 24) setFlagsFromString('--external-memory-accounted-in-global-limit');
}
