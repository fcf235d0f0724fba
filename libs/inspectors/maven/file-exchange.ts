import type { InspectedBody, InspectedRequest, InspectedResponse, InspectionContext } from '../../inspection/inspector.js';

/** A response that a repository gave for a file. */
export interface FileExchange {
  readonly request: InspectedRequest;
  readonly response: InspectedResponse;
  readonly body: InspectedBody;
  readonly context: InspectionContext;
}
