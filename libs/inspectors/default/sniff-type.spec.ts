import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sniffType } from './sniff-type.js';

describe('sniffType', () => {
  it.each<[string, Buffer | string]>([
    ['application/x-empty', ''],
    ['application/gzip', gzipSync('x')],
    ['image/png', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')],
    ['text/html', '\n <!DOCTYPE HTML><title>x</title>'],
    ['application/xml', '<?xml version="1.0"?><project/>'],
    ['application/json', '{"a": [1]}'],
    ['text/plain', '{not json}'],
    ['text/x-python', '#!/usr/bin/env python3\n'],
    ['text/x-shellscript', '#!/bin/sh\n'],
    ['text/plain', 'drei Mühlen'],
    ['application/octet-stream', Buffer.from([0, 1, 2, 0xff])],
  ])('tells %s', async (type, head) => {
    expect(await sniffType(Buffer.from(head), true)).toBe(type);
  });

  it('takes the start of a longer document for what it begins as', async () => {
    expect(await sniffType(Buffer.from(`{ "name": "${'x'.repeat(100)}`), false)).toBe('application/json');
    expect(await sniffType(Buffer.from('ü').subarray(0, 1), false)).toBe('text/plain');
  });

  it('has an answer for any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), fc.boolean(), async (bytes, whole) => expect(await sniffType(Buffer.from(bytes), whole)).toMatch(/^[a-z]+\/[\w.+-]+/)),
    );
  });
});
