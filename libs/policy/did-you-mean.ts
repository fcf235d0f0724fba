/** What people call an ecosystem, and what its inspectors are called. */
const otherNames: Readonly<Record<string, string>> = {
  pypi: 'pip', python: 'pip', golang: 'go', crates: 'cargo', rust: 'cargo', deb: 'apt', debian: 'apt', docker: 'oci', rubygems: 'gem', gradle: 'maven', pnpm: 'npm', yarn: 'npm', 'license': 'licence',
};

/** The known word that an unknown one was meant to be; undefined when none is near. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const other = Object.hasOwn(otherNames, word.toLowerCase()) ? otherNames[word.toLowerCase()] : undefined;
  if (other !== undefined && known.includes(other)) return other;
  // A word of any length costs nothing more than this.
  const short = word.slice(0, 64);
  const limit = Math.max(short.length < 4 ? 1 : 2, Math.floor(short.length / 3));
  let best: { readonly word: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    if (Math.abs(candidate.length - short.length) > limit) continue;
    const distance = editDistance(short.toLowerCase(), candidate.toLowerCase());
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { word: candidate, distance };
  }
  return best?.word;
}

/** Levenshtein's, by rows. */
function editDistance(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const changed = (previous[column - 1] as number) + (one[row - 1] === other[column - 1] ? 0 : 1);
      current.push(Math.min(changed, (previous[column] as number) + 1, (current[column - 1] as number) + 1));
    }
    previous = current;
  }
  return previous[other.length] as number;
}
