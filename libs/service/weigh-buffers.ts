import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/** Bytes of buffers from which on memory is dearer than processor time. */
const most = 384 * 1024 * 1024;
/** Milliseconds: buffers come with some hundred megabytes a second. */
const every = 100;

/**
 * Buffers lie outside of V8's heap. By default V8 collects the whole heap, with all code and all types in it, after each 64 MiB of new buffers: three times for a blob of 64 MiB that passes
 * through, which was half of the processor time. With this they count with the heap, which is collected when both together have grown; when many buffers are there, V8 does as it would by default.
 */
export function weighBuffersWithHeap(): void {
  if (Number(process.versions.node.split('.')[0]) < 24) return;
  let weighed = false;
  const weigh = (): void => {
    const wanted = getHeapStatistics().external_memory < most;
    if (wanted === weighed) return;
    weighed = wanted;
    setFlagsFromString(`--${wanted ? '' : 'no-'}external-memory-accounted-in-global-limit`);
  };
  weigh();
  setInterval(weigh, every).unref();
}
