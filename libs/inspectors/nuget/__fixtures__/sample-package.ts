import { createHash } from 'node:crypto';
import { buildZip, type ZipFileToBuild } from '../../__fixtures__/build-zip.js';

export const sampleNuspec = `<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"><metadata>
<id>Millrace.Sample</id><version>1.0.0</version><authors>Ada Lovelace</authors><owners>Millrace</owners>
<license type="expression">MIT</license><copyright>1843</copyright><description>A
 sample.</description></metadata></package>`;

/** A package as the client packs it. */
export function buildPackage(more: readonly ZipFileToBuild[] = [], nuspec = sampleNuspec): Buffer {
  return buildZip([
    {
      name: '[Content_Types].xml',
      content:
        '<?xml version="1.0" encoding="utf-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml" /><Default Extension="nuspec" ContentType="application/octet" /><Default Extension="txt" ContentType="application/octet" /></Types>',
    },
    {
      name: '_rels/.rels',
      content:
        '<?xml version="1.0" encoding="utf-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Type="http://schemas.microsoft.com/packaging/2010/07/manifest" Target="/Millrace.Sample.nuspec" Id="R1" /></Relationships>',
    },
    { name: 'Millrace.Sample.nuspec', content: nuspec },
    { name: 'content/sample.txt', content: 'one' },
    ...more,
  ]);
}

export function packageHash(bytes: Buffer): string {
  return createHash('sha512').update(bytes).digest('base64');
}

/** An entry of a feed of protocol version 2. */
export function odataEntry(options: { readonly base: string; readonly source: string; readonly hash: string; readonly size?: number; readonly version?: string; readonly id?: string }): string {
  const { base, source, hash, size = 1, version = '1.0.0', id = 'Millrace.Sample' } = options;
  return `<?xml version="1.0" encoding="utf-8"?>
<entry xml:base="${base}" xmlns="http://www.w3.org/2005/Atom" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
<id>${base}Packages(Id='${id}',Version='${version}')</id>
<category term="NuGetGallery.V2FeedPackage" scheme="http://schemas.microsoft.com/ado/2007/08/dataservices/scheme" />
<title type="text">${id}</title><updated>2026-01-01T00:00:00Z</updated><author><name>Ada Lovelace</name></author>
<content type="application/zip" src="${source}" />
<m:properties><d:Version>${version}</d:Version><d:NormalizedVersion>${version}</d:NormalizedVersion><d:Description>A sample.</d:Description><d:Dependencies></d:Dependencies>
<d:DownloadCount m:type="Edm.Int32">1</d:DownloadCount><d:IsLatestVersion m:type="Edm.Boolean">true</d:IsLatestVersion><d:IsAbsoluteLatestVersion m:type="Edm.Boolean">true</d:IsAbsoluteLatestVersion>
<d:IsPrerelease m:type="Edm.Boolean">false</d:IsPrerelease><d:PackageHash>${hash}</d:PackageHash><d:PackageHashAlgorithm>SHA512</d:PackageHashAlgorithm><d:PackageSize m:type="Edm.Int64">${size}</d:PackageSize>
<d:Published m:type="Edm.DateTime">2026-01-01T00:00:00Z</d:Published><d:RequireLicenseAcceptance m:type="Edm.Boolean">false</d:RequireLicenseAcceptance></m:properties></entry>`;
}
