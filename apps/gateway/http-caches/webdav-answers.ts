import { escapeHtml } from '../http/escape-html.js';

/** A file of a WebDAV client: what an entry's content is. */
export interface WebdavFile {
  readonly size: number;
  readonly tag: string;
  readonly pushedAt: string;
}

/** RFC 4918, of one thing and no other. Folders are not kept: any name may be one, and is empty. */
export function webdavProperties(href: string, file: WebdavFile | undefined): string {
  const properties = file === undefined ? '<D:resourcetype><D:collection/></D:resourcetype><D:getlastmodified>Thu, 01 Jan 1970 00:00:00 GMT</D:getlastmodified>' : fileProperties(file);
  return `<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:"><D:response><D:href>${escapeHtml(href)}</D:href><D:propstat><D:prop>${properties}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>\n`;
}

function fileProperties({ size, tag, pushedAt }: WebdavFile): string {
  return `<D:resourcetype/><D:getcontentlength>${size}</D:getcontentlength><D:getetag>"${tag}"</D:getetag><D:getcontenttype>application/octet-stream</D:getcontenttype><D:getlastmodified>${new Date(pushedAt).toUTCString()}</D:getlastmodified>`;
}
