import { operations } from './operations.js';

const routes = [...new Set(operations.map((operation) => operation.path))].map((path) => ({
  pattern: new RegExp(`^${path.replace(/\/$/, '').replaceAll('.', '\\.').replace('{path}', '.*').replace(/\{[^}]+\}/g, '[^/]+')}/?$`),
  methods: operations.filter((operation) => operation.path === path).map((operation) => operation.method.toUpperCase()),
}));

/** Methods that a path takes, empty for a path that is none of ours. The operations of the OpenAPI document are the source. */
export function allowedMethods(url: string): readonly string[] {
  const path = url.split('?')[0] ?? '';
  const methods = routes.find((route) => route.pattern.test(path))?.methods ?? [];
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods;
}
