// Pins and generates one compose in a process of its own: the engine's built module, settings, request and id as JSON.
const { engine, settings, request, id } = JSON.parse(process.argv[2]);
const { createComposeEngine } = await import(engine);
const signal = new AbortController().signal;
const composes = await createComposeEngine({ settings, searchPath: process.env.PATH });
const inputs = await composes.pin(request, { signal });
const generated = await composes.generate({ id, targetDir: 'default', inputs, startedAt: '2026-11-21T10:00:00Z' }, { signal });
process.stdout.write(JSON.stringify(generated));
await composes.close();
