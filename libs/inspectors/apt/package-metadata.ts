import type { ArtefactMetadata } from '../../inspection/inspection.js';
import type { Paragraph } from '../../deb/control-file.js';

/** Package URL of type deb, https://github.com/package-url/purl-spec; the vendor is the Origin of the release, when it is known. */
export function debPurl(subject: { name: string; version: string; architecture: string; vendor: string | undefined }): string {
  const namespace = /^[a-z0-9]{1,64}$/i.test(subject.vendor ?? '') ? `${subject.vendor?.toLowerCase()}/` : '';
  return `pkg:deb/${namespace}${encodeURIComponent(subject.name)}@${encodeURIComponent(subject.version)}?arch=${encodeURIComponent(subject.architecture)}`;
}

/** What control files of binary and of source packages say alike. */
export function describePackage(control: Paragraph): Pick<ArtefactMetadata, 'author' | 'authorEmail' | 'description'> {
  const maintainer = control.get('maintainer') ?? '';
  const parts = /^"?([^"<]*?)"?\s*<([^<>]*)>$/.exec(maintainer);
  return {
    author: parts?.[1]?.trim() ?? maintainer,
    authorEmail: parts?.[2]?.trim() ?? '',
    description: control.get('description')?.split('\n', 1)[0] ?? '',
  };
}
