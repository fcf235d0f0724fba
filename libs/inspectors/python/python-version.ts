// PEP 440, appendix B. No two neighbouring parts can match the same text, so there is nothing to backtrack over; the length is bounded besides.
const pattern =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(alpha|beta|preview|pre|rc|a|b|c)[-_.]?(\d*))?(?:-(\d+)|[-_.]?(?:post|rev|r)[-_.]?(\d*))?(?:[-_.]?dev[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/;
const preNames: Readonly<Record<string, string>> = { alpha: 'a', beta: 'b', c: 'rc', pre: 'rc', preview: 'rc' };
const maxLength = 256;

/** A version in a form that is equal for equal versions (PEP 440; trailing zeros of the release left out); unchanged when it is none. */
export function normalisePythonVersion(version: string): string {
  const text = version.trim().toLowerCase();
  if (text.length > maxLength) return text;
  const match = pattern.exec(text);
  if (match === null) return text;
  const [, epoch, release = '', pre, preNumber, dashPost, post, dev, local] = match;
  const numbers = release.split('.').map(plainNumber);
  while (numbers.length > 1 && numbers.at(-1) === '0') numbers.pop();
  const parts = [numbers.join('.')];
  if (epoch !== undefined && plainNumber(epoch) !== '0') parts.unshift(`${plainNumber(epoch)}!`);
  if (pre !== undefined) parts.push(`${preNames[pre] ?? pre}${plainNumber(preNumber ?? '')}`);
  const postNumber = dashPost ?? post;
  if (postNumber !== undefined) parts.push(`.post${plainNumber(postNumber)}`);
  if (dev !== undefined) parts.push(`.dev${plainNumber(dev)}`);
  if (local !== undefined)
    parts.push(
      `+${local
        .split(/[-_.]/)
        .map((part) => (/^\d+$/.test(part) ? plainNumber(part) : part))
        .join('.')}`,
    );
  return parts.join('');
}

/** Without leading zeros; nothing means 0. */
function plainNumber(digits: string): string {
  return digits.replace(/^0+/, '') || '0';
}
