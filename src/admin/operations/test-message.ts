// A message of the host's own to one of its mailboxes, to see it arrive.

import { operation } from '../operation.ts';
import { fail } from '../problem.ts';
import { address, anyText, object, time } from '../schemas.ts';
import { domainOf } from './mailboxes.ts';

export const testMessageOperations = [
  operation({
    name: 'message.test',
    summary: 'Send a test message to a mailbox of this host; its trace says what becomes of it.',
    method: 'POST',
    path: '/messages/test',
    input: object({ address: address('The mailbox.') }),
    output: object({
      queueId: anyText('By which the log and the trace know the message.'),
      sender: anyText('Its envelope sender.'),
      recipient: anyText('Its envelope recipient.'),
      messageId: anyText('Its Message-Id.'),
      accepted: time('When it was durable.'),
    }),
    access: { who: 'domain', domains: (input) => [domainOf(input.address)] },
    kind: 'act',
    run: async (input, { view, server, principal }) => {
      const mailbox = view.lookups.mailboxByAddress(input.address);
      if (mailbox === undefined) {
        fail(422, 'names-what-is-not-there', `there is no mailbox ${input.address}`, {
          field: 'address',
          mend: 'test messages go to mailboxes of this host',
        });
      }
      const { owner } = principal;
      return await server.testMessage(mailbox.address, owner === undefined ? '' : `${owner.kind} ${owner.id}`);
    },
  }),
];
