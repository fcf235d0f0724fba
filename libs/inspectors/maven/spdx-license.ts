/** By what the name of a licence in a POM holds, most special first. */
const byName: readonly (readonly [RegExp, string])[] = [
  [/^apache-2\.0$|apache.*(?:license|software|licence).*2(?:\.0)?\b|^(?:the )?asl 2|^apache 2(?:\.0)?$/i, 'Apache-2.0'],
  [/^(?:the )?mit(?: license)?$/i, 'MIT'],
  [/^epl-2\.0$|eclipse public license.*2\.0/i, 'EPL-2.0'],
  [/^epl-1\.0$|eclipse public license.*1\.0/i, 'EPL-1.0'],
  [/^(?:bsd-3-clause|(?:the )?(?:new|revised) bsd license|(?:the )?bsd 3-clause.*)$/i, 'BSD-3-Clause'],
  [/^(?:bsd-2-clause|(?:the )?bsd 2-clause.*)$/i, 'BSD-2-Clause'],
  [/^mpl-2\.0$|mozilla public license.*2\.0/i, 'MPL-2.0'],
  [/^cc0-1\.0$|^cc0$/i, 'CC0-1.0'],
];

/** The SPDX id of a licence as POMs name it, else its name as it is. */
export function spdxLicense(name: string): string {
  const text = name.replaceAll(/\s+/g, ' ').slice(0, 256);
  return byName.find(([pattern]) => pattern.test(text))?.[1] ?? text;
}
