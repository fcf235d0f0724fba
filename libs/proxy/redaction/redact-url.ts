const redacted = 'redacted';

/** Query parameters that are, or sign, a credential; compared in lower case with percent-encoding undone. */
const secretParameter =
  /^(?:x-(?:amz|goog|oss|ms|cos)-(?:signature|credential|security-token)|sig|sign|signature|q-signature|hmac|policy|key-pair-id|awsaccesskeyid|googleaccessid|ossaccesskeyid|securitytoken|jwt|auth|authorization|code|otp|macaroon|cookie|session_?id|jsessionid|.*(?:token|secret|passw(?:or)?d|passphrase|pwd|credentials?|api_?-?key|access_?-?key|private_?-?key|signature))$/;

/**
 * Replaces credentials in a URL for the record: user information, and the values of query parameters such as `X-Amz-Signature`, `sig`, `token` and
 * `access_token`. Everything else stays byte for byte. Also takes relative references, as Location has them.
 */
export function redactUrl(url: string): string {
  return redactQuery(redactUserInformation(url));
}

function redactUserInformation(url: string): string {
  const start = url.indexOf('//');
  if (start === -1) return url;
  let end = start + 2;
  while (end < url.length && !'/?#\\'.includes(url[end] ?? '/')) end += 1;
  const at = url.lastIndexOf('@', end - 1);
  return at < start + 2 ? url : `${url.slice(0, start + 2)}${redacted}@${url.slice(at + 1)}`;
}

function redactQuery(url: string): string {
  const question = url.indexOf('?');
  if (question === -1) return url;
  const parts = url.slice(question + 1).split(/([&;#?])/);
  return url.slice(0, question + 1) + parts.map((part, index) => (index % 2 === 1 ? part : redactParameter(part))).join('');
}

function redactParameter(part: string): string {
  const equals = part.indexOf('=');
  if (equals === -1 || equals === part.length - 1) return part;
  return secretParameter.test(decode(part.slice(0, equals)).toLowerCase()) ? `${part.slice(0, equals)}=${redacted}` : part;
}

function decode(name: string): string {
  // No name of the list is longer; bounding it keeps the pattern's time bounded too.
  const short = name.slice(-64);
  if (!short.includes('%')) return short;
  try {
    return decodeURIComponent(short);
  } catch {
    return short;
  }
}
