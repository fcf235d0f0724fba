/** A thread whose reader of packages is taken over: it spins, or eats memory, as the digest of the package says; others it reads to their end. */
export default async function inspect({ sha256, size, port }) {
  if (sha256 === 'spins') {
    port.postMessage({ id: 1, offset: 0, length: 1 });
    for (;;);
  }
  const eaten = [];
  while (sha256 === 'eats') eaten.push(Array.from({ length: 100_000 }, (_, index) => ({ index })));
  port.close();
  return { inspected: { key: `package of ${size} bytes`, name: 'sample', version: '1', architecture: 'any', metadata: Buffer.from('what it says') } };
}
