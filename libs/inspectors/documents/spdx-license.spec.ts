import { expect, it } from '@jest/globals';
import { spdxLicense } from './spdx-license.js';

it.each([
  ['Apache-2.0', 'Apache-2.0'],
  ['The Apache Software License, Version 2.0', 'Apache-2.0'],
  ['Apache License\n      Version 2.0', 'Apache-2.0'],
  ['ASL 2.0', 'Apache-2.0'],
  ['The MIT License', 'MIT'],
  ['mit license', 'MIT'],
  ['Eclipse Public License - v 2.0', 'EPL-2.0'],
  ['New BSD License', 'BSD-3-Clause'],
  ['BSD 2-Clause License', 'BSD-2-Clause'],
  ['Mozilla Public License Version 2.0', 'MPL-2.0'],
  ['Apache 2.0 License', 'Apache-2.0'],
  ['EPL 2.0', 'EPL-2.0'],
  ['EDL 1.0', 'BSD-3-Clause'],
  ['Eclipse Distribution License - v 1.0', 'BSD-3-Clause'],
  ['3-Clause BSD License', 'BSD-3-Clause'],
  ['GPL2 w/ CPE', 'GPL-2.0-only WITH Classpath-exception-2.0'],
  ['The GNU General Public License (GPL), Version 2, With Classpath Exception', 'GPL-2.0-only WITH Classpath-exception-2.0'],
  ['GNU General Public License, version 2', 'GNU General Public License, version 2'],
  ['COMMON DEVELOPMENT AND DISTRIBUTION LICENSE (CDDL) Version 1.0', 'CDDL-1.0'],
  ['CDDL 1.1', 'CDDL-1.1'],
  ['Common Public License Version 1.0', 'CPL-1.0'],
  ['CC0', 'CC0-1.0'],
  ['Apache License, Version 1.1', 'Apache License, Version 1.1'],
  ['toString', 'toString'],
  ['  House  rules ', 'House rules'],
  ['', ''],
])('calls %j %s', (name, expected) => {
  expect(spdxLicense(name)).toBe(expected);
});

it('bounds what it does not know', () => {
  expect(spdxLicense('x'.repeat(100_000))).toHaveLength(256);
});
