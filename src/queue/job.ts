// One delivery request: recipients of one message that go to one next hop by one transport, at most as many as the
// transport takes at a time (TRANSPORT_destination_recipient_limit).

import { verpSender } from '../bounce/verp.ts';
import type { QueueMessage, QueueRecipient } from '../mailstore/types.ts';
import type { Transport, TransportTable } from './delivery-agent.ts';

export interface Job {
  /** With VERP its sender is that of the recipient. */
  readonly message: QueueMessage;
  readonly transportName: string;
  /** Undefined: master.cf has no such service. */
  readonly transport: Transport | undefined;
  readonly nexthop: string;
  /** In whose line the job waits: the next hop, or with a limit of one recipient the recipient itself. */
  readonly destination: string;
  readonly recipients: readonly QueueRecipient[];
}

export function makeJobs(
  message: QueueMessage,
  recipients: readonly QueueRecipient[],
  transports: TransportTable,
): Job[] {
  const { verp } = message;
  if (verp !== undefined && recipients.length > 0) {
    return recipients.flatMap((recipient) => {
      const { verp: _, ...plain } = message;
      return makeJobs({ ...plain, sender: verpSender(message.sender, verp, recipient) }, [recipient], transports);
    });
  }
  const groups = new Map<string, QueueRecipient[]>();
  for (const recipient of recipients) {
    const isMailstore = transports.find(recipient.transport)?.isMailstore === true;
    const key = `${recipient.transport}:${isMailstore ? '' : recipient.nexthop.toLowerCase()}`;
    const group = groups.get(key);
    if (group) group.push(recipient);
    else groups.set(key, [recipient]);
  }
  const jobs: Job[] = [];
  for (const group of groups.values()) {
    const [first] = group;
    if (!first) continue;
    const { transport: transportName, nexthop } = first;
    const transport = transports.find(transportName);
    const limit =
      !transport || transport.isMailstore || transport.recipientLimit < 1 ? group.length : transport.recipientLimit;
    for (let from = 0; from < group.length; from += limit) {
      const members = group.slice(from, from + limit);
      const destination = limit === 1 ? `${members[0]?.recipient}@${nexthop}` : nexthop.toLowerCase();
      jobs.push({ message, transportName, transport, nexthop, destination, recipients: members });
    }
  }
  return jobs;
}
