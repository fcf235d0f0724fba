// What XML 1.0 cannot hold, not even as a reference.
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const special = /[\u0000-\u0008\u000b-\u001f&<>\ud800-\udfff\ufffe\uffff]/;
const specialInAttribute = /[\u0000-\u001f&<>"\ud800-\udfff\ufffe\uffff]/;

const references: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#13;', '\n': '&#10;', '\t': '&#9;' };
const toReference = (character: string): string => references[character] as string;

/** Character data of an element; characters that XML cannot hold are left out. */
export function escapeText(text: string): string {
  if (!special.test(text)) return text;
  return text.replaceAll(forbidden, '').replaceAll(/[&<>\r]/g, toReference);
}

/** Value of an attribute, to stand in double quotes; characters that XML cannot hold are left out. */
export function escapeAttribute(text: string): string {
  if (!specialInAttribute.test(text)) return text;
  return text.replaceAll(forbidden, '').replaceAll(/[&<>"\r\n\t]/g, toReference);
}

/** Whether the text comes out of a document as it went in. */
export function fitsXml(text: string): boolean {
  return !special.test(text) || text.search(forbidden) < 0;
}
