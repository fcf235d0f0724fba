import type { Inspector } from '../../inspection/inspector.js';

const provenancePath = /\/integrity\/[^/]+\/[^/]+\/[^/]+\/provenance$/;

/** Attestations that an index keeps of a distribution (PEP 740), see docs/reference/inspectors/python.md. They are not verified here, and the reason says so. */
export const pipProvenanceInspector: Inspector = {
  id: 'pip.provenance',
  inspectRequest: (request) =>
    request.method === 'GET' && provenancePath.test(request.path) ? { opinion: 'Pending', reason: 'valid URL for the provenance of a Python distribution' } : undefined,
  inspectResponse: (_request, response) =>
    Promise.resolve(
      response.status === 200
        ? {
            opinion: 'Unknown',
            reason: 'attestations of Python distributions are not verified here; verify them outside of the strict session, the distributions themselves are checked against the index',
            metadata: { type: 'application/x.python.provenance' },
          }
        : undefined,
    ),
};
