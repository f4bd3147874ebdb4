// What the server says of itself, as cli/server-status.ts and cli/certificate.ts have it.

import { Type } from 'typebox';
import { anyText, count, object, optional, time } from './schemas.ts';

const orNull = (schema: ReturnType<typeof time> | ReturnType<typeof anyText>) => Type.Union([schema, Type.Null()]);

export const status = object({
  version: anyText('Of the program.'),
  pid: Type.Integer({ description: 'Its process.' }),
  uptimeSeconds: Type.Number({ description: 'Since its start.' }),
  configDirectory: anyText('The folder with main.cf.'),
  dataDirectory: anyText('The folder with the mail.'),
  listeners: Type.Array(
    object({ name: anyText('What listens there.'), address: anyText('Address and port, or a socket.') }),
  ),
  connections: object({ smtp: count('Clients of SMTP and LMTP now.'), imap: count('Clients of IMAP now.') }),
  queue: object({
    messages: count('Messages that wait.'),
    hold: count('Of them on hold.'),
    active: count('Of them in delivery now.'),
    entered: count('Messages that were queued since the start.'),
  }),
  accounting: optional(
    object({
      entered: count('Recipients since the store was made; the others are what became of them.'),
      delivered: count('Into mailboxes.'),
      forwarded: count('Sent on.'),
      relayed: count('To other hosts.'),
      bounced: count('Reported as undeliverable.'),
      discarded: count('By a rule.'),
      deleted: count('By an administrator.'),
      unexplained: Type.Integer({ description: 'Acknowledged mismatches.' }),
      queued: count('Waiting.'),
      held: count('On hold.'),
      mismatch: Type.Integer({ description: 'Not 0 is an alarm: the books and the queue do not agree.' }),
    }),
  ),
  defence: optional(
    object({
      lockouts: count('Addresses, networks and accounts that may not log in now.'),
      alarms: Type.Array(
        object({
          login: anyText('The user.'),
          kind: anyText('Of alarm.'),
          text: anyText('Why.'),
          since: time('When it began.'),
        }),
      ),
      greylisted: optional(count('Networks, senders and recipients that greylisting remembers.')),
      screened: optional(count('Clients that have passed the tests before the banner.')),
      refusedLogins: optional(count('Logins since the start that were refused unseen, because of a lock-out.')),
    }),
  ),
  residentBytes: count('Memory in use.'),
});

export const certificate = object({
  names: Type.Array(Type.String(), {
    description: 'Host names that it is for; of a missing one, the host that waits.',
  }),
  file: anyText('Where it is kept.'),
  source: Type.Enum(['file', 'self-signed', 'acme']),
  issuer: orNull(anyText('Who has signed it.')),
  validUntil: orNull(time('When it ends; null: there is none yet.')),
  renewAt: orNull(time('When a new one is asked for.')),
  problem: orNull(anyText('What went wrong at the last attempt.')),
  nextAttemptAt: orNull(time('After a failure: when it is tried again.')),
});
