import { isUtf8 } from 'node:buffer';
import type { DecodeText } from './header.js';

/**
 * UTF-8; what is none is taken for Latin-1, as old packages have it, without the bytes 0x80 to 0xBF (Windows' quotation marks rather than Latin-1's
 * controls): rpm-md is written so by everyone, and readers compare names byte by byte.
 */
export const decodeHeaderText: DecodeText = (store, start, end) => {
  const text = store.toString('utf8', start, end);
  if (!text.includes('\uFFFD') || isUtf8(store.subarray(start, end))) return text;
  return store.toString('latin1', start, end).replaceAll(/[\u0080-\u00bf]/g, '');
};
