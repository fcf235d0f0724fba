/** A thread whose inspector is taken over: it spins (and says so first), or eats memory, as the session's id says. */
export default async function inspect(task) {
  if (task.sessionId.startsWith('spins')) {
    task.port.postMessage({ id: 1, ask: 'put', key: 'spins', value: task.sessionId });
    for (;;);
  }
  const eaten = [];
  while (task.sessionId === 'eats') eaten.push(Array.from({ length: 100_000 }, (_, index) => ({ index })));
  return { opinion: 'Approved', reason: `inspected for ${task.sessionId}` };
}
