// The layers of docs/explanation/architecture.md. tests/hygiene/layer-rules.spec.ts breaks each of these rules once.

const spec = '\\.spec\\.ts$|/__fixtures__/|/__fuzz__/|^tests/|^libs/testing/';
// Started by their path, as threads are.
const entries =
  '^libs/inspection-threads/inspection-thread\\.ts$|^libs/package-inspection/package-thread\\.ts$|^libs/compose-engine/generation-thread\\.ts$|^libs/access/authentication/kerberos/acceptor-process\\.ts$|^libs/pungi/tool-supervisor\\.ts$';
const domain = 'session|compose|repository|compose-rules|cache|inspection|policy|settings|errors';
const stores = 'event-store|blobs|object-storage';
const work = 'session-record|proxy|inspectors|inspection-threads|embedded|service|report|compose-record|compose-engine|messaging|amqp|repository-source|rpm-repository|koji|settings-file|access|mbs|pulp|pungi|git-checkout|rule-record|event-bus|compose-names|compose-gates|signing|repository-stores|repository-formats|repository-record|repository-engine|repository-checks|repository-import|repository-service|package-inspection|cache-record|cache-engine|cache-access|cache-service|ostree-record|ostree-exports|cache-assets';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', comment: 'Two modules that need each other are one module, or miss a third.', from: {}, to: { circular: true } },
    {
      name: 'no-app-imports-another',
      severity: 'error',
      comment: 'Processes talk over the network; what they share is a library.',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'nothing-below-imports-apps',
      severity: 'error',
      from: { path: '^(activities|workflows|temporal|libs)/' },
      to: { path: '^(apps|bench|examples|tests)/' },
    },
    {
      name: 'libs-know-no-orchestration',
      severity: 'error',
      comment: 'A library is usable and testable alone, without the workflow engine.',
      from: { path: '^libs/', pathNot: spec },
      to: { path: '^(activities|workflows|temporal)/' },
    },
    {
      name: 'workflows-are-pure',
      severity: 'error',
      comment: 'Workflows are replayed: types of activities and the pure domain only.',
      from: { path: '^workflows/', pathNot: spec },
      to: { path: '^(activities|temporal|libs)/', pathNot: '^libs/(session|compose|compose-rules|repository|cache|inspection|policy)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'proxy-knows-ports-only',
      severity: 'error',
      comment: 'The byte path knows the record by libs/proxy/ports.ts, so that it runs and is tested without a database.',
      from: { path: '^libs/proxy/', pathNot: spec },
      to: { path: '^libs/(session-record|database|event-store|blobs|report|embedded|service)/|node_modules/(@nestjs|@temporalio|@mikro-orm|pg)/' },
    },
    {
      name: 'database-only-where-it-belongs',
      severity: 'error',
      comment: 'libs/embedded asks the server that it starts whether it answers yet.',
      from: { path: '^(apps|activities|workflows|temporal|libs)/', pathNot: `^libs/(database|event-store|session-record|compose-record|messaging|rule-record|compose-names|repository-record|cache-record|ostree-record|testing)/|^libs/embedded/embedded-postgres\\.ts$|${spec}` },
      to: { path: 'node_modules/(@mikro-orm/[^/]+|pg)/' },
    },
    {
      name: 'no-nest-in-libs',
      severity: 'error',
      comment: 'The framework stays in apps.',
      from: { path: '^(libs|activities|workflows)/', pathNot: spec },
      to: { path: 'node_modules/@nestjs/' },
    },
    {
      name: 'database-below-the-stores',
      severity: 'error',
      from: { path: '^libs/database/', pathNot: spec },
      to: { path: `^libs/(${stores}|${work})/` },
    },
    { name: 'stores-below-the-work', severity: 'error', from: { path: `^libs/(${stores})/`, pathNot: spec }, to: { path: `^libs/(${work})/` } },
    {
      name: 'domain-knows-the-domain-only',
      severity: 'error',
      from: { path: `^libs/(${domain})/`, pathNot: spec },
      to: { path: '^libs/', pathNot: `^libs/(${domain})/` },
    },
    {
      name: 'rpm-is-pure',
      severity: 'error',
      comment: 'Inspectors and composes read packages with it; what unpacks and verifies is given to it.',
      from: { path: '^libs/rpm/', pathNot: spec },
      to: { path: '^libs/', pathNot: '^libs/(rpm|inspection|errors)/' },
    },
    {
      name: 'haiku-is-pure',
      severity: 'error',
      comment: 'Reads and writes bytes that are given to it, wherever they come from.',
      from: { path: '^libs/haiku/', pathNot: spec },
      to: { path: '^libs/', pathNot: '^libs/(haiku|errors)/' },
    },
    {
      name: 'deb-is-pure',
      severity: 'error',
      comment: 'Inspectors and repositories read packages with it; what unpacks is given to it.',
      from: { path: '^libs/deb/', pathNot: spec },
      to: { path: '^libs/', pathNot: '^libs/(deb|archives|inspection|errors)/' },
    },
    {
      name: 'remote-apis-are-pure',
      severity: 'error',
      comment: 'Messages of the Remote Execution API and how they are written; who answers them is for apps/cache.',
      from: { path: '^libs/remote-apis/', pathNot: spec },
      to: { path: '^libs/', pathNot: '^libs/(remote-apis|cache|errors)/' },
    },
    {
      name: 'ostree-is-pure',
      severity: 'error',
      comment: 'Reads and writes the objects of OSTree repositories; where they lie is for whoever exports and receives them.',
      from: { path: '^libs/ostree/', pathNot: spec },
      to: { path: '^libs/', pathNot: '^libs/(ostree|errors)/' },
    },
    {
      name: 'cache-record-knows-no-store',
      severity: 'error',
      comment: 'PostgreSQL knows where blobs are; only the engine touches them.',
      from: { path: '^libs/cache-record/', pathNot: spec },
      to: { path: '^libs/(cache-engine|cache-access|object-storage|blobs)/' },
    },
    {
      name: 'formats-know-no-place',
      severity: 'error',
      comment: 'A format of repositories makes bytes out of knowledge that is given to it; where they lie and who remembers them is for the engine and the record.',
      from: { path: '^libs/repository-formats/', pathNot: spec },
      to: { path: '^libs/(repository-record|repository-engine|repository-stores|object-storage|database|event-store|blobs|compose-engine|repository-source)/' },
    },
    { name: 'inspection-below-session', severity: 'error', from: { path: '^libs/inspection/', pathNot: spec }, to: { path: '^libs/session/' } },
    { name: 'policy-below-inspection', severity: 'error', from: { path: '^libs/policy/', pathNot: spec }, to: { path: '^libs/(session|inspection)/' } },
    {
      name: 'no-unused-module',
      severity: 'error',
      comment: 'A library file that no process, workflow, test or measurement reaches is dead.',
      from: { path: '^(apps|workflows|activities|temporal|bench|examples|tests)/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^libs/', pathNot: `${spec}|${entries}`, reachable: false },
    },
    {
      name: 'production-needs-no-development-package',
      severity: 'error',
      from: { path: '^(apps|activities|workflows|temporal|libs)/', pathNot: spec },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    { name: 'package-is-declared', severity: 'error', from: {}, to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] } },
    { name: 'import-resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      exportsFields: ['exports'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
