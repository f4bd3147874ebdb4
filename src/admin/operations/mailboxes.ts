// Mailboxes: made and changed by who administers the domain; their owners see their own, and set what concerns them alone.

import { Type } from 'typebox';
import { hashPassword } from '../../auth/password-scheme.ts';
import type { MailboxInfo } from '../../directory/mailbox-rows.ts';
import { checkNewPassword, makePassword } from '../new-passwords.ts';
import { type OperationContext, operation } from '../operation.ts';
import { listWithin } from '../pages-of-domains.ts';
import type { Sight } from '../principal.ts';
import { fail, failMissing } from '../problem.ts';
import {
  address,
  anyText,
  count,
  domainName,
  object,
  optional,
  page,
  pageInput,
  password,
  search,
  searched,
  time,
  toPage,
  words,
  yes,
} from '../schemas.ts';

const name = anyText("The owner's name.", 255);
const quotaBytes = count('How much it may hold, in bytes; 0 without limit.');
const maintenance = anyText('Why its mail is put off (450); empty ends it.', 200);
const dayLimit = (what: string) =>
  Type.Union([count(`How many ${what} it may send within a day; 0 without limit.`), Type.Null()], {
    description: 'null: what the settings say.',
  });
const passwordHash = anyText('In place of the password: its hash, as {SSHA512}… or $2y$….', 1024);

const vacationInfo = object({
  subject: anyText('Empty: Auto: and the subject of the message.'),
  text: anyText('What is answered.', 100_000),
  from: optional(time('When it begins.')),
  until: optional(time('When it ends.')),
  days: count('One answer to a sender within so many days.'),
});
const vacationSettings = Type.Union(
  [
    object({
      subject: optional(anyText('Empty: Auto: and the subject of the message.')),
      text: optional(anyText('What is answered.', 100_000)),
      from: optional(time('When it begins; 0: at once.')),
      until: optional(time('When it ends; 0: never.')),
      days: optional(count('One answer to a sender within so many days.')),
    }),
    Type.Null(),
  ],
  { description: 'What it answers while its owner is away; null ends it.' },
);

const forwardMode = Type.Enum(['keep', 'forward', 'both'], {
  description: 'keep: nothing is forwarded; forward: nothing stays; both: a copy does.',
});
const forwardInfo = object({ mode: forwardMode, to: words('Where its mail goes.', 50) });
const forwardSettings = Type.Union(
  [object({ mode: optional(forwardMode), to: optional(words('Addresses.', 50)) }), Type.Null()],
  {
    description: 'Where its mail is forwarded; null ends it.',
  },
);
const protocols = words('It may be logged in to by smtp, imap, pop3, sieve, http; empty: all; none: by nothing.', 10);
const loginRules = {
  protocols: optional(protocols),
  mustChange: optional(yes('The password must be changed before anything else.')),
  passwordExpires: optional(time('When the password ends; 0: never.')),
};

const recoveryAddress = anyText('Where its owner gets a link when the password is forgotten; empty: nowhere.', 330);

const fields = {
  address: address(),
  name,
  quotaBytes,
  enabled: yes('It takes mail and logins.'),
  vacation: optional(vacationInfo),
  maintenance: optional(maintenance),
  messageLimit: optional(count('Messages that it may send within a day.')),
  recipientLimit: optional(count('Recipients that it may send to within a day.')),
  forward: optional(forwardInfo),
  recoveryAddress: optional(recoveryAddress),
  protocols: optional(protocols),
  mustChange: optional(Type.Literal(true)),
  passwordChanged: optional(time('When it was set.')),
  passwordExpires: optional(time('When it ends.')),
  lastLogin: optional(object({ time: time('When.'), protocol: anyText('How.'), address: anyText('From where.') })),
  usedBytes: optional(count('What it holds, where that was asked for.')),
  created: time('When it was added.'),
  removedAt: optional(time('When it was removed.')),
  recoverableUntil: optional(time('Until when it can be restored.')),
};
const info = object({ id: optional(count('Shown to administrators of the host.')), ...fields });
const made = optional(anyText('The password that was made; nobody can see it again.'));
const references = Type.Record(Type.String(), Type.Array(Type.String()), {
  description: 'What still names it, in domains of yours: aliases, lists, forwards …',
});
const byAddress = { address: address() };
const ofOwner = ({ address: own }: { readonly address: string }): string => own;

/** The numbers of mailboxes tell how many others there are. */
export function shownMailbox<Info extends { readonly id: number }>(
  mailbox: Info,
  sight: Sight,
): Info | Omit<Info, 'id'> {
  if (sight.seesAll) return mailbox;
  const { id: _, ...shown } = mailbox;
  return shown;
}

type Secrets = { readonly password?: string; readonly passwordHash?: string };

/** The hash is computed before the transaction; what has to be known after it travels along in `made`. */
async function hashed<Input extends Secrets>(input: Input): Promise<Input> {
  if (input.password !== undefined && input.passwordHash !== undefined) {
    fail(422, 'invalid-field', 'password and passwordHash contradict each other', { field: 'passwordHash' });
  }
  if (input.password === undefined) return input;
  checkNewPassword(input.password);
  return { ...input, passwordHash: await hashPassword(input.password) };
}

function keepKeys({ server, afterwards }: OperationContext, mailbox: MailboxInfo, plain: string | undefined): void {
  if (plain !== undefined) afterwards(async () => await server.keepScramKeys(mailbox.address, plain));
}

export const mailboxOperations = [
  operation({
    name: 'mailbox.list',
    summary: 'List the mailboxes, or the removed ones that can be restored.',
    method: 'GET',
    path: '/mailboxes',
    input: object({
      ...pageInput,
      domain: optional(domainName('Of this domain only.')),
      removed: optional(yes('The removed ones.')),
      search,
      usage: optional(yes('Also how much each holds.')),
    }),
    output: page(info),
    access: { who: 'domain', domains: ({ domain }) => (domain === undefined ? [] : [domain]) },
    kind: 'read',
    run: async ({ domain, after, limit = 100, removed = false, usage = false, search: text }, context) => {
      const { view, sight, server } = context;
      const narrowed = searched(text, domain);
      if (removed) return await listRemoved(view, sight, { domain, after, limit });
      const items = await listWithin(
        sight,
        { domain, after, limit },
        async (query) => await view.mailboxes.list({ ...query, ...narrowed }),
      );
      const held = ({ id }: MailboxInfo) => (usage ? { usedBytes: server.usage(id).bytes } : {});
      return toPage(
        items.map((item) => ({ ...shownMailbox(item, sight), ...held(item) })),
        limit,
        (item) => item.address,
      );
    },
  }),
  operation({
    name: 'mailbox.add',
    summary: 'Add a mailbox. Without a password one is made and given back.',
    method: 'POST',
    path: '/mailboxes',
    input: object({
      ...byAddress,
      password: optional(password()),
      passwordHash: optional(passwordHash),
      name: optional(name),
      quotaBytes: optional(quotaBytes),
      enabled: optional(yes('Take mail and logins at once; true without.')),
      ...loginRules,
    }),
    output: object({
      ...info.properties,
      becameAdministrator: yes('postmaster, abuse and root reach it.'),
      password: made,
    }),
    access: { who: 'domain', domains: ({ address: own }) => [domainOf(own)] },
    kind: 'change',
    prepare: async (input) => {
      const isMade = input.password === undefined && input.passwordHash === undefined;
      return { isMade, input: await hashed(isMade ? { ...input, password: makePassword() } : input) };
    },
    run: async ({ isMade, input }, context) => {
      const { password: plain, passwordHash: hash = '', ...settings } = input;
      const added = await context.view.mailboxes.add({ ...settings, passwordHash: hash });
      keepKeys(context, added, plain);
      return { ...shownMailbox(added, context.sight), ...(isMade ? { password: plain } : {}) };
    },
  }),
  operation({
    name: 'mailbox.show',
    summary: 'Show a mailbox.',
    method: 'GET',
    path: '/mailboxes/{address}',
    input: object(byAddress),
    output: info,
    access: { who: 'user', mailbox: ofOwner },
    kind: 'read',
    passing: ['lastLogin'],
    run: async ({ address: own }, { view, sight }) => shownMailbox(await view.mailboxes.need(own), sight),
  }),
  operation({
    name: 'mailbox.set',
    summary:
      'Change a mailbox. Its owner may change the name, the vacation and the forward. A new password ends sessions and tokens.',
    method: 'PATCH',
    path: '/mailboxes/{address}',
    input: object({
      ...byAddress,
      password: optional(password('A new password.')),
      passwordHash: optional(passwordHash),
      name: optional(name),
      quotaBytes: optional(quotaBytes),
      enabled: optional(yes('Take mail and logins.')),
      vacation: optional(vacationSettings),
      forward: optional(forwardSettings),
      ...loginRules,
      maintenance: optional(maintenance),
      messageLimit: optional(dayLimit('messages')),
      recipientLimit: optional(dayLimit('recipients')),
      recoveryAddress: optional(recoveryAddress),
    }),
    output: info,
    access: { who: 'user', mailbox: ofOwner, ownFields: ['name', 'vacation', 'forward'] },
    kind: 'change',
    shownBy: 'mailbox.show',
    prepare: async (input) => await hashed(input),
    run: async ({ address: own, password: plain, passwordHash: hash, ...settings }, context) => {
      const secret = hash === undefined ? {} : { passwordHash: hash };
      const changed = await context.view.mailboxes.set(own, { ...settings, ...secret });
      keepKeys(context, changed, plain);
      return shownMailbox(changed, context.sight);
    },
  }),
  operation({
    name: 'mailbox.remove',
    summary: 'Remove a mailbox; it can be restored for some time.',
    method: 'DELETE',
    path: '/mailboxes/{address}',
    input: object(byAddress),
    output: object({
      removed: Type.Literal(true),
      recoverableUntil: time('Until when it can be restored.'),
      references,
    }),
    access: { who: 'domain', domains: ({ address: own }) => [domainOf(own)] },
    kind: 'change',
    shownBy: 'mailbox.show',
    run: async ({ address: own }, { view, sight }) => {
      const { references, recoverableUntil } = await view.mailboxes.remove(own);
      return { removed: true, recoverableUntil, references: referencesWithin(references, sight) };
    },
  }),
  operation({
    name: 'mailbox.restore',
    summary: 'Bring a removed mailbox back with its mail.',
    method: 'POST',
    path: '/mailboxes/{address}/restore',
    input: object(byAddress),
    output: info,
    access: { who: 'domain', domains: ({ address: own }) => [domainOf(own)] },
    kind: 'change',
    run: async ({ address: own }, { view, sight }) =>
      shownMailbox(await view.mailboxes.restore(own, sight.since(domainOf(own))), sight),
  }),
  operation({
    name: 'mailbox.rename',
    summary: 'Give a mailbox another address: its mail, passwords and settings stay.',
    method: 'POST',
    path: '/mailboxes/{address}/rename',
    input: object({
      ...byAddress,
      to: address('The new address.'),
      keepAlias: optional(yes('The old address becomes an alias of the new one.')),
      moveReferences: optional(
        yes("What names the old address names the new one, also in domains that are not yours: the host's alone."),
      ),
    }),
    output: object({ ...info.properties, before: address('The old address.'), references }),
    access: { who: 'domain', domains: ({ address: own, to }) => [domainOf(own), domainOf(to)] },
    kind: 'change',
    shownBy: 'mailbox.show',
    run: async ({ address: own, to, ...options }, { view, sight }) => {
      if (options.moveReferences === true && !sight.seesAll) {
        fail(403, 'not-allowed', 'only an administrator of the host may change what names the address elsewhere', {
          field: 'moveReferences',
        });
      }
      const { references: left, ...renamed } = await view.mailboxes.rename(own, to, options);
      return { ...shownMailbox(renamed, sight), references: referencesWithin(left, sight) };
    },
  }),
];

/** What names an address, of all that the caller may see. */
export function referencesWithin(references: object, sight: Sight): Record<string, readonly string[]> {
  const kinds = Object.entries(references) as [string, readonly string[]][];
  return Object.fromEntries(kinds.map(([kind, names]) => [kind, names.filter((one) => sight.address(one))]));
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

interface RemovedQuery {
  readonly domain: string | undefined;
  readonly after: string | undefined;
  readonly limit: number;
}

/** Paged by their numbers, which only the host's administrators may see: others get all of theirs, domain by domain. */
async function listRemoved(view: OperationContext['view'], sight: Sight, { domain, after, limit }: RemovedQuery) {
  const from = after === undefined ? {} : { after };
  if (sight.seesAll) {
    const query = { removed: true, ...from, limit: limit + 1, ...(domain === undefined ? {} : { domain }) };
    return toPage(await view.mailboxes.list(query), limit, ({ id }) => String(id));
  }
  if (after !== undefined) failMissing();
  const items: MailboxInfo[] = [];
  for (const own of domain === undefined ? (sight.domains ?? []) : [domain]) {
    const query = { removed: true, domain: own, removedSince: sight.since(own), limit: limit - items.length };
    items.push(...(await view.mailboxes.list(query)));
    if (items.length >= limit) break;
  }
  return { items: items.map((item) => shownMailbox(item, sight)) };
}
