import { refusal } from '../inspection/refusal.js';

const maxName = 1024;

/** A file name as an index declares it, in one form (`pool/a/b.deb`). Throws a reason for one that leads outside of the repository. */
export function safeFileName(name: string): string {
  const plain = name.replace(/^(?:\.\/+)+/, '');
  const segments = plain.split('/');
  const bad = plain === '' || plain.length > maxName || segments.includes('..') || segments.includes('') || /[\0-\x20\x7f\\]/.test(plain);
  if (bad) throw refusal(`the index names the file ${JSON.stringify(name.slice(0, 120))}, which no repository has`);
  return plain;
}
