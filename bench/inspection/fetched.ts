import type { InspectionContext, Inspector } from '../../libs/inspection/inspector.js';
import { createRequest, inspect } from '../../libs/inspectors/__fixtures__/exchange.js';
import { createInspectors } from '../../libs/inspectors/index.js';
import { sampleText } from './inspected-format.js';

/** A source tree of 32 MiB in 64 files under one directory. */
export function sourceTree(directory: string): { readonly name: string; readonly content: Buffer }[] {
  return Array.from({ length: 64 }, (_, index) => ({ name: `${directory}/file${index}.txt`, content: sampleText(512 * 1024, index + 1) }));
}

export function inspectorOf(id: string): Inspector {
  const found = createInspectors().find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no inspector ${id}`);
  return found;
}

/** Gives a document to the inspectors, as if the build had fetched it. Throws when it is not approved. */
export async function fetched(url: string, bytes: Buffer | string, context: InspectionContext, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  const { verdict, inspections } = await inspect(createRequest(url, headers), { bytes: Buffer.from(bytes), headers }, context);
  if (verdict !== 'Approved') throw new Error(`${url} was not approved: ${JSON.stringify(inspections)}`);
}
