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
