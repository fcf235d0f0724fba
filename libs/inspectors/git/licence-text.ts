/** What only the text of one licence has, most special first. GPL texts do not tell whether later versions are meant. */
const texts: readonly (readonly [RegExp, string])[] = [
  [/apache license\s+version 2\.0/i, 'Apache-2.0'],
  [/mozilla public license,? version 2\.0/i, 'MPL-2.0'],
  [/gnu affero general public license\s+version 3/i, 'AGPL-3.0'],
  [/gnu lesser general public license\s+version 3/i, 'LGPL-3.0'],
  [/gnu lesser general public license\s+version 2\.1/i, 'LGPL-2.1'],
  [/gnu general public license\s+version 3/i, 'GPL-3.0'],
  [/gnu general public license\s+version 2/i, 'GPL-2.0'],
  [/permission is hereby granted, free of charge, to any person obtaining/i, 'MIT'],
  [/permission to use, copy, modify, and(?:\/or)? distribute this software for any/i, 'ISC'],
  [/redistribution and use in source and binary forms[\s\S]*neither the name/i, 'BSD-3-Clause'],
  [/redistribution and use in source and binary forms/i, 'BSD-2-Clause'],
  [/this is free and unencumbered software released into the public domain/i, 'Unlicense'],
  [/cc0 1\.0 universal/i, 'CC0-1.0'],
];

/** The SPDX id of a licence whose text this is; empty when it is not one of the common ones. */
export function licenceOfText(text: Buffer): string {
  const head = text.toString('utf8', 0, 16 * 1024);
  return texts.find(([pattern]) => pattern.test(head))?.[1] ?? '';
}
