import { expect, it } from '@jest/globals';
import { sharedBuffers } from './shared-buffers.js';

it.each([
  { memory: 1, buffers: '128MB' },
  { memory: 4, buffers: '256MB' },
  { memory: 64, buffers: '512MB' },
])('PostgreSQL has $buffers of buffers on $memory GiB', ({ memory, buffers }) => {
  expect(sharedBuffers(memory * 1024 ** 3)).toBe(buffers);
});
