/** Which image a package URL is of. */
export interface ImageReference {
  /** `https://host:443`, as `InspectedRequest.origin`. */
  readonly origin: string;
  readonly repository: string;
  /** Of the manifest. */
  readonly digest: string;
  /** Empty when it was fetched by digest. */
  readonly tag?: string;
  readonly architecture?: string;
}

/** `pkg:oci/name@sha256%3A…?arch=…&repository_url=host/path/name&tag=…`, see the types of the package URL specification. */
export function imagePurl({ origin, repository, digest, tag = '', architecture = '' }: ImageReference): string {
  const name = repository.slice(repository.lastIndexOf('/') + 1);
  const host = origin.slice(origin.indexOf('//') + 2).replace(/:443$/, '');
  const qualifiers: readonly (readonly [string, string])[] = [
    ['arch', architecture],
    ['repository_url', `${host}/${repository}`],
    ['tag', tag],
  ];
  const query = qualifiers.filter(([, value]) => value !== '').map(([key, value]) => `${key}=${encodeURIComponent(value).replaceAll('%2F', '/')}`);
  return `pkg:oci/${name}@${encodeURIComponent(digest)}?${query.join('&')}`;
}
