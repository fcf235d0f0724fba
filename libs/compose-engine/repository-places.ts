/** A repository that is to be read, and the architectures that it is for. */
export interface RepositoryPlace {
  readonly url: string;
  readonly arches: readonly string[];
  /** Pungi composes leave out what would be empty. */
  readonly optional?: true;
}

/** One repository for each architecture where the address differs by it. */
export function placesOf(urls: readonly string[], arches: readonly string[]): RepositoryPlace[] {
  const filled = urls.map(withoutEndingSlash).flatMap((url): RepositoryPlace[] => {
    if (!/\$(basearch|arch)\b|\$\{(basearch|arch)\}/.test(url)) return [{ url, arches }];
    return arches.map((arch) => ({ url: url.replace(/\$(?:basearch|arch)\b|\$\{(?:basearch|arch)\}/g, arch), arches: [arch] }));
  });
  return [...new Map(filled.map((place) => [`${place.url} ${place.arches.join(' ')}`, place])).values()];
}

export function withoutEndingSlash(url: string): string {
  return url.length > 1 ? url.replace(/\/+$/, '') : url;
}
