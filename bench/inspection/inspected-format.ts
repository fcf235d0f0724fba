import type { InspectedRequest, InspectionContext, Inspector } from '../../libs/inspection/inspector.js';

/** One artefact format, and an artefact of it that is large enough to be measured. */
export interface InspectedFormat {
  /** `npm.tarball`: the inspector's id. */
  readonly name: string;
  readonly inspector: Inspector;
  /** Writes the artefact to `file`; the same bytes each time. */
  readonly make: (file: string) => Promise<void>;
  readonly request: MeasuredRequest | ((bytes: Buffer) => MeasuredRequest);
  /** What an index of the session would have declared; the context to inspect in. `bytes`: the artefact. */
  readonly prepare?: (context: InspectionContext, bytes: Buffer) => Promise<InspectionContext>;
  /** A well-known program that reads the same file whole, `{file}` in its arguments; measured beside. */
  readonly peer?: { readonly title: string; readonly command: string; readonly args: readonly string[] };
}

export interface MeasuredRequest extends Pick<InspectedRequest, 'url' | 'body'> {
  /** GET unless told. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const origin = 'https://registry.example:443';

/** Text-like bytes that compress to about a third, the same for the same seed. */
export function sampleText(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  let state = seed >>> 0;
  for (let index = 0; index < size; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // Words of a small alphabet: letters differ in how often they come.
    bytes[index] = index % 7 === 6 ? 0x20 : 0x61 + ((state >>> 24) & (index % 3 === 0 ? 0x0f : 0x07));
  }
  return bytes;
}
