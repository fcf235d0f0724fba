/** Whether a topic is what a pattern of AMQP 0-9-1 describes: words with dots between; `*` is one word, `#` any number. */
export function matchTopic(pattern: string, topic: string): boolean {
  const words = topic.split('.');
  // After each word of the pattern: which numbers of words of the topic it may have taken.
  let taken: readonly boolean[] = [true, ...words.map(() => false)];
  for (const part of pattern.split('.')) {
    const before = taken;
    const next: boolean[] = [];
    for (let count = 0; count <= words.length; count += 1) {
      next.push(part === '#' ? before[count] === true || next[count - 1] === true : before[count - 1] === true && (part === '*' || part === words[count - 1]));
    }
    taken = next;
  }
  return taken[words.length] === true;
}
