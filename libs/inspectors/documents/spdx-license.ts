import licences from 'spdx-license-list';

/** Full names of the list ("MIT License"), in lower case, to their ids. */
const byFullName: ReadonlyMap<string, string> = new Map(Object.entries(licences).map(([id, licence]) => [licence.name.toLowerCase(), id]));

/** By what the name of a licence in package metadata holds, most special first. */
const byName: readonly (readonly [RegExp, string])[] = [
  [/apache.*(?:license|software|licence).*2(?:\.0)?\b|^(?:the )?asl 2|^apache 2(?:\.0)?(?: licen[cs]e)?$/i, 'Apache-2.0'],
  [/^(?:the )?mit(?: license)?$/i, 'MIT'],
  [/eclipse public license.*2\.0|^epl[ -]?2\.0$/i, 'EPL-2.0'],
  [/eclipse public license.*1\.0|^epl[ -]?1\.0$/i, 'EPL-1.0'],
  // SPDX has no id for it: it is the three-clause text.
  [/^(?:eclipse distribution license[ ,-]*v(?:ersion)?\.? ?|edl )1\.0$/i, 'BSD-3-Clause'],
  [/^(?:gpl2 w\/ cpe|(?:the )?gnu general public license(?: \(gpl\))?,? v(?:ersion )?2,? with (?:the )?classpath exception)$/i, 'GPL-2.0-only WITH Classpath-exception-2.0'],
  [/^common public license.*1\.0$/i, 'CPL-1.0'],
  [/^(?:common development and distribution license.*|cddl )1\.1$/i, 'CDDL-1.1'],
  [/^(?:common development and distribution license.*|cddl )1\.0$/i, 'CDDL-1.0'],
  [/^cc0$/i, 'CC0-1.0'],
  [/^(?:(?:the )?(?:new|revised) bsd license|(?:the )?bsd 3-clause.*|3-clause bsd license)$/i, 'BSD-3-Clause'],
  [/^(?:the )?bsd 2-clause.*$|^2-clause bsd license$/i, 'BSD-2-Clause'],
  [/mozilla public license.*2\.0/i, 'MPL-2.0'],
];

/** The SPDX expression that a licence, as package metadata name it, stands for; else its name as it is, at most 256 characters. */
export function spdxLicense(name: string): string {
  const text = name.replaceAll(/\s+/g, ' ').trim().slice(0, 256);
  if (Object.hasOwn(licences, text)) return text;
  return byFullName.get(text.toLowerCase()) ?? byName.find(([pattern]) => pattern.test(text))?.[1] ?? text;
}
