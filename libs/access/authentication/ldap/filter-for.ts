/** `{user}` becomes the name as a value (RFC 4515), `{user-in-dn}` the name as a part of a distinguished name (RFC 4514) in a value: no name can change the filter. */
export function filterFor(template: string, user: string): string {
  return template.replaceAll(/\{user(-in-dn)?\}/g, (_match, inName: string | undefined) => escapedValue(inName === undefined ? user : escapedPart(user)));
}

/** ASCII but for plain letters, digits and harmless marks is written by its number, which is allowed for any. The client takes a number for a whole character, so that others stay what they are. */
function escapedValue(value: string): string {
  return value.toWellFormed().replaceAll(/[\0-\x7f]/g, (character) => (/[A-Za-z0-9 @._,=+-]/.test(character) ? character : byNumber(character)));
}

function escapedPart(value: string): string {
  return value.toWellFormed().replaceAll(/[\0-\x7f]/g, (character) => (/[A-Za-z0-9@._-]/.test(character) ? character : byNumber(character)));
}

function byNumber(character: string): string {
  return `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
