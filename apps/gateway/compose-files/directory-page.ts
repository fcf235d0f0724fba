import { readdir } from 'node:fs/promises';
import { escapeHtml } from '../http/escape-html.js';

const longestPage = 20_000;

/** Names of a directory as links, directories first; what begins with a dot is not shown. No script, and no size or time: a tree has ten thousand packages. */
export async function directoryPage(directory: string, title: string): Promise<string> {
  const entries = (await readdir(directory, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'));
  const names = entries.map((entry) => ({ name: entry.isDirectory() ? `${entry.name}/` : entry.name, directory: entry.isDirectory() }));
  names.sort((one, other) => Number(other.directory) - Number(one.directory) || collator.compare(one.name, other.name));
  const links = names.slice(0, longestPage).map(({ name }) => `<li><a href="./${encodeURI(name).replaceAll('?', '%3F').replaceAll('#', '%23')}">${escapeHtml(name)}</a></li>`);
  const rest = names.length > longestPage ? `<p>and ${names.length - longestPage} more</p>\n` : '';
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>
<body><h1>${escapeHtml(title)}</h1>
<ul>
<li><a href="../">../</a></li>
${links.join('\n')}
</ul>
${rest}</body></html>
`;
}

const collator = new Intl.Collator('en', { numeric: true });
