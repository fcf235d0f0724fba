import type { InspectedRequest } from '../../inspection/inspector.js';

const clients = /^(?:Apache-Maven|Apache Ivy|Bazel|Coursier|Gradle|gradlew|sbt)\//i;

/** Whether the request says that it comes from a program that reads Maven repositories. A hint of what is asked for, never a proof. */
export function isMavenClient(request: InspectedRequest): boolean {
  return clients.test(request.header('user-agent') ?? '');
}
