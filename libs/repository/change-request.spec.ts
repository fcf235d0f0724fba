import { expect, it } from '@jest/globals';
import { checkChangeRequest } from './change-request.js';
import type { PackageOrigin } from './listed-package.js';

it.each<[string, PackageOrigin]>([
  ['NUL', { cache: { instance: '\0', key: 'x' } }],
  ['half of a character', { cache: { instance: 'x', key: '\ud800' } }],
  ['NUL', { build: 'a\0b' }],
  ['a password', { url: 'https://user:secret@farm.test/' }],
])('an origin with %s in it is refused: nothing could keep it, or everybody could read it', (_what, origin) => {
  expect(() => checkChangeRequest({ kind: 'publish', uploads: [], contents: [{ sha256: 'a'.repeat(64), from: { compose: 1 } }], origin })).toThrow('the change cannot be: origin');
});
