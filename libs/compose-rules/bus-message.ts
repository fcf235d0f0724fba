/** A message of a bus as it was received: input of rules. */
export interface BusMessage {
  /** Name of the bus in the settings. */
  readonly bus: string;
  /** Given by the sender; without one, the lower-case hex SHA-256 of topic and body. Equal ids of a bus are one message. */
  readonly id: string;
  /** Routing key, address or header: `org.example.koji.tag`. */
  readonly topic: string;
  /** JSON. */
  readonly body: unknown;
}

export interface ReceivedMessage extends BusMessage {
  /** From 1, in the order in which messages became visible: whoever has read up to a position misses nothing before it. */
  readonly position: number;
  /** RFC 3339 with milliseconds, UTC. */
  readonly receivedAt: string;
}
