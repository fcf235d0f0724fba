import type { ListedPackage } from '../../../libs/repository/listed-package.js';
import type { Repository } from '../../../libs/repository/repository.js';
import { escapeHtml } from '../http/escape-html.js';

/** All names. */
export function repositoriesPage(repositories: readonly Repository[], more: boolean): string {
  const rows = repositories.map(({ name, kind, packages }) => `<li><a href="./${encodeURIComponent(name)}/">${escapeHtml(name)}</a>: ${kind}, ${packages} packages</li>`);
  return page('Package repositories', `${rows.join('\n')}${more ? '\n<li>and more</li>' : ''}`);
}

/** Files of the index and packages of what clients see, as links. */
export function repositoryPage(repository: Repository, files: readonly string[], packages: readonly ListedPackage[]): string {
  const links = [...files, ...packages.map(({ path }) => path)].map((file) => `<li><a href="./${file.split('/').map(encodeURIComponent).join('/')}">${escapeHtml(file)}</a></li>`);
  const rest = repository.packages > packages.length ? `\n<li>and ${repository.packages - packages.length} more packages</li>` : '';
  return page(`${repository.name} (${repository.kind}), state ${repository.state}`, `<li><a href="../">../</a></li>\n${links.join('\n')}${rest}`);
}

function page(title: string, items: string): string {
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>
<body><h1>${escapeHtml(title)}</h1>
<ul>
${items}
</ul>
</body></html>
`;
}
