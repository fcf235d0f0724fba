import { errorMessage } from '../errors/error-message.js';
import { MillraceError } from '../errors/millrace-error.js';
import { isMistake } from './is-mistake.js';
import type { InspectedPackage, InspectionOptions, PackageBytes, PackageFormat } from '../repository-formats/package-format.js';

/** Reads a package's own metadata, where a hostile one does no harm: in threads, or `inspectHere`. Errors: `package-invalid` (also: it takes too long), those of `bytes` and of the signal. */
export interface PackageInspection {
  inspect(format: PackageFormat, bytes: PackageBytes, options: InspectionOptions & { readonly signal: AbortSignal }): Promise<InspectedPackage>;
  close(): Promise<void>;
}

/** In this thread: a format that computes for long holds up everything else here. */
export const inspectHere: PackageInspection = {
  inspect: (format, bytes, options) => withinPatience(bytes.size, options.signal, (signal) => format.inspect(bytes, { ...options, signal })),
  close: () => Promise.resolve(),
};

/** However small a package is; and bytes a second that a store gives at least, because some packages are read to their end. */
const [shortest, slowestStore] = [60_000, 512 * 1024];

/** That reading a package of so many bytes may take. */
export function inspectionMilliseconds(size: number): number {
  return shortest + Math.ceil((1000 * size) / slowestStore);
}

/** Reading a package of so many bytes, for as long as that may take. */
export async function withinPatience(size: number, signal: AbortSignal, read: (signal: AbortSignal) => Promise<InspectedPackage>): Promise<InspectedPackage> {
  const patience = inspectionMilliseconds(size);
  const time = AbortSignal.timeout(patience);
  try {
    return await read(AbortSignal.any([signal, time]));
  } catch (error) {
    signal.throwIfAborted();
    if (time.aborted) throw new MillraceError('package-invalid', `reading what it says of itself took longer than ${Math.round(patience / 1000)} s`, { cause: error });
    if (isMistake(error)) throw new MillraceError('package-invalid', errorMessage(error), { cause: error });
    throw error;
  }
}
