/** Whether a name has to be matched rather than looked up. */
export function isPattern(text: string): boolean {
  return /[*?[]/.test(text);
}

/** Matches `*`, `?` and `[a-z]` (`[!a-z]`) as shells do, in time proportional to the product of the lengths at worst. */
export function matchesPattern(pattern: string, text: string): boolean {
  let [at, from] = [0, 0];
  let [star, resume] = [-1, 0];
  while (from < text.length) {
    const step = pattern[at] === '*' ? undefined : matchOne(pattern, at, text[from] as string);
    if (pattern[at] === '*') {
      star = at;
      at += 1;
      resume = from;
    } else if (step !== undefined && step > 0) {
      at += step;
      from += 1;
    } else if (star !== -1) {
      at = star + 1;
      resume += 1;
      from = resume;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}

/** How much of the pattern the character uses up; 0 when it does not match. */
function matchOne(pattern: string, at: number, character: string): number {
  const sign = pattern[at];
  if (sign === '?') return 1;
  const end = sign === '[' ? pattern.indexOf(']', at + 2) : -1;
  if (end === -1) return sign === character ? 1 : 0;
  const negated = pattern[at + 1] === '!';
  return inClass(pattern.slice(at + (negated ? 2 : 1), end), character) === negated ? 0 : end - at + 1;
}

function inClass(members: string, character: string): boolean {
  for (let index = 0; index < members.length; index += 1) {
    const [from, dash, to] = [members[index] as string, members[index + 1], members[index + 2]];
    if (dash === '-' && to !== undefined) {
      if (from <= character && character <= to) return true;
      index += 2;
    } else if (from === character) return true;
  }
  return false;
}
