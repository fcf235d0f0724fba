const maximumUrl = 16_384;

/** Where a Location field leads, in the form of `InspectedRequest.url` (https with its port, no fragment); undefined for what is no http or https URL. */
export function resolveLocation(from: string, location: string): string | undefined {
  if (location.length > maximumUrl || !URL.canParse(location, from)) return undefined;
  const url = new URL(location, from);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  const port = url.port === '' && url.protocol === 'https:' ? ':443' : '';
  return `${url.protocol}//${url.host}${port}${url.pathname}${url.search}`;
}
