import type { InspectedPackage, InspectionOptions, PackageBytes, PackageFormat } from '../repository-formats/package-format.js';

/** Reads a package's own metadata, where a hostile one does no harm: `inspectHere`, or a thread. Errors: `package-invalid`. */
export interface PackageInspection {
  inspect(format: PackageFormat, bytes: PackageBytes, options: InspectionOptions & { readonly signal: AbortSignal }): Promise<InspectedPackage>;
  close(): Promise<void>;
}

/** In this thread: a format that computes for long holds up everything else here. */
export const inspectHere: PackageInspection = {
  inspect: (format, bytes, options) => format.inspect(bytes, options),
  close: () => Promise.resolve(),
};

/** However small a package is; and bytes a second that a store gives at least, because some packages are read to their end. */
const [shortest, slowestStore] = [60_000, 512 * 1024];

/** That reading a package of so many bytes may take. */
export function inspectionMilliseconds(size: number): number {
  return shortest + Math.ceil((1000 * size) / slowestStore);
}
