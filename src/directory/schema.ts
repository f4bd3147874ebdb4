// The tables of directory.db as Kysely sees them, in types that SQLite, PostgreSQL and MariaDB share: whole
// numbers and text; no booleans, no partial indexes. What each column means:
//
// domain     every name that we host. `kind` is its one address class, or `alias-domain` with `target_id`. So no name
//            can have two classes. `tombstone` is 0 while the row lives, then the row's own id: a unique index
//            over (name, tombstone) keeps only living names apart on every database. `maintenance` is why its mail is put
//            off for now, '' where it is not. `max_mailboxes`, `max_aliases`, `total_quota` (of all its mailboxes
//            together, bytes), `max_quota` (of one) are limits, 0 without; `default_quota` is a new mailbox's. `unknown_to`
//            is `transport:nexthop` for the addresses that are not here (a domain split over two hosts), or ''.
//            `catch_all` says what a catch-all does with an address that nobody has decided on: 'accept' takes its
//            mail, 'propose' does too and notes the address (caught_address), 'refuse' takes accepted ones only.
//            `takes_all` 0: of a relay domain, only the recipients in relay_recipient are known.
// caught_address  an address that fell to a domain's catch-all: `state` is 'proposed', 'accepted' or 'refused', `sender` who
//            wrote first; `messages` is how many since.
// relay_recipient  a recipient of a relay domain.
// mailbox    `localpart` is the folded key, `shown` the address as given. `id` is never given to another mailbox.
//            `maintenance` as a domain's; `message_limit` and `recipient_limit` are what its owner may send within a day,
//            0 without limit, -1 as the settings say.
//            `vacation_until` is 0 without a vacation, otherwise when its replies end: all that a delivery has to know.
//            `protocols` are those it may log in by, words with blanks between, '' is all. `forward` says what
//            becomes of its mail: 'keep', 'forward' (to mailbox_forward only) or 'both'. `must_change` 1: the password must be
//            changed before anything else; `password_changed` and `password_expires` are times, 0 unknown and never.
//            `recovery_address` is where its owner gets a link when the password is forgotten, '' is nowhere.
// mailbox_forward  where a mailbox's mail is forwarded, as alias_target.
// last_login   when, how and from where a mailbox was last logged in to; it leaves no event.
// vacation   what a mailbox answers; `subject` '' is "Auto: " and the message's own, `starts` and `ends` 0 are open.
// alias      `localpart` '' is the domain's catch-all. `active` 0: as if it were not there. `post` says who may write to it, as
//            a list's (members are its targets); `alias_poster` are those of 'listed'.
// alias_target  `domain` and `localpart` are the folded key of `address`, for the question what points at an address.
// list       a mailing list; `owner-NAME` and `NAME-request` belong to it. `post` says who may write to it.
// list_person   who has to do with a list: its members, owners, and those who may write to it besides
//            (`localpart` '': everybody of that domain).
// app_password  a further password of a mailbox, made by us: `digest` is its SHA-256 (it is too long to be guessed), and
//            `secret` the password itself where CRAM-MD5 needs it, else ''. `protocols` and `senders` are words with blanks
//            between, '' is no limit; `expires` and `used` are 0 for never.
// scram_key  what SCRAM keeps in place of a password, base64: of the mailbox's own (`app_password_id` 0) or an app
//            password; `hash` is sha1 or sha256. `made_of` is the SHA-256 of the stored hash (of the app password's
//            digest) that the password belonged to: keys of a password that has changed since are void.
// secret     what the installation must not tell: `scram-salt` is the key from which salts are made.
// sender_right  a login that may (`allowed` 1) or may not (0) send as an address besides what follows from who receives
//            its mail; `localpart` '' is every address of the domain, which need not be one of ours.
// transport, bcc  what hangs on an address, or with `localpart` '' on a whole domain, which need not be ours; transport's
//            `domain` may be '*' or '.parent' as in transport(5); bcc's `side` is 'sender' or 'recipient'.
// access_rule  of access(5): `stage` is 'client', 'helo', 'sender' or 'recipient', `pattern` its key, `action` what it gives.
// tag        a word on an object: `kind` is 'domain', 'mailbox', 'alias' or 'list'.
// event      `revision` is the id of the first event of the transaction: what was changed at once.

import type { Generated, Selectable } from 'kysely';
import type { AdministrationSchema } from './administration-schema.ts';

export type DomainClass = 'mailbox' | 'alias' | 'relay';
export type DomainKind = DomainClass | 'alias-domain';

export interface DomainTable {
  id: Generated<number>;
  name: string;
  kind: DomainKind;
  target_id: number | null;
  active: number;
  /** `transport:nexthop` for the whole domain, or ''. */
  transport: string;
  created: number;
  tombstone: Generated<number>;
  maintenance: Generated<string>;
  max_mailboxes: Generated<number>;
  max_aliases: Generated<number>;
  total_quota: Generated<number>;
  default_quota: Generated<number>;
  max_quota: Generated<number>;
  unknown_to: Generated<string>;
  catch_all: Generated<CatchAllMode>;
  takes_all: Generated<number>;
}

/** What a catch-all does with an address that nobody has decided on. */
export type CatchAllMode = 'accept' | 'propose' | 'refuse';
export type CaughtState = 'proposed' | 'accepted' | 'refused';

export interface CaughtAddressTable {
  domain_id: number;
  localpart: string;
  shown: string;
  state: CaughtState;
  sender: string;
  first_seen: number;
  last_seen: number;
  messages: number;
}

export interface RelayRecipientTable {
  domain_id: number;
  localpart: string;
  shown: string;
  created: number;
}

export interface MailboxTable {
  id: Generated<number>;
  domain_id: number;
  localpart: string;
  shown: string;
  name: string;
  password: string;
  /** Bytes; 0 is unlimited. */
  quota: number;
  enabled: number;
  created: number;
  removed_at: number;
  tombstone: Generated<number>;
  vacation_until: Generated<number>;
  maintenance: Generated<string>;
  message_limit: Generated<number>;
  recipient_limit: Generated<number>;
  protocols: Generated<string>;
  forward: Generated<ForwardMode>;
  must_change: Generated<number>;
  password_changed: Generated<number>;
  password_expires: Generated<number>;
  recovery_address: Generated<string>;
}

/** What becomes of a mailbox's mail: it stays, it goes on, or both. */
export type ForwardMode = 'keep' | 'forward' | 'both';

export interface MailboxForwardTable {
  mailbox_id: number;
  position: number;
  address: string;
  domain: string;
  localpart: string;
}

export interface LastLoginTable {
  mailbox_id: number;
  time: number;
  protocol: string;
  address: string;
}

export interface VacationTable {
  mailbox_id: number;
  subject: string;
  body: string;
  starts: number;
  ends: number;
  days: number;
}

export interface AliasTable {
  id: Generated<number>;
  domain_id: number;
  localpart: string;
  shown: string;
  created: number;
  active: Generated<number>;
  post: Generated<PostingRule>;
}

export interface AliasPosterTable {
  alias_id: number;
  domain: string;
  localpart: string;
  address: string;
}

export interface AliasTargetTable {
  alias_id: number;
  position: number;
  address: string;
  domain: string;
  localpart: string;
}

/** Who may write to a list: anybody, its members, everybody of its domain, or those on its list of posters. */
export type PostingRule = 'anyone' | 'members' | 'domain' | 'listed';
export type ListRole = 'member' | 'owner' | 'poster';

export interface ListTable {
  id: Generated<number>;
  domain_id: number;
  localpart: string;
  shown: string;
  name: string;
  post: PostingRule;
  created: number;
}

export interface ListPersonTable {
  list_id: number;
  role: ListRole;
  domain: string;
  localpart: string;
  address: string;
}

export interface SenderRightTable {
  domain: string;
  localpart: string;
  /** Folded. */
  login: string;
  shown: string;
  allowed: number;
  created: number;
}

export interface TransportTable {
  domain: string;
  localpart: string;
  transport: string;
  created: number;
}

export type BccSide = 'sender' | 'recipient';

export interface BccTable {
  side: BccSide;
  domain: string;
  localpart: string;
  address: string;
  created: number;
}

export type AccessStage = 'client' | 'helo' | 'sender' | 'recipient';

export interface AccessRuleTable {
  stage: AccessStage;
  pattern: string;
  action: string;
  note: string;
  created: number;
}

export type TaggedKind = 'domain' | 'mailbox' | 'alias' | 'list';

export interface TagTable {
  kind: TaggedKind;
  object_id: number;
  tag: string;
}

export interface SettingTable {
  name: string;
  value: string;
}

export interface EventTable {
  id: Generated<number>;
  time: number;
  actor: string;
  action: string;
  object: string;
  before: string | null;
  after: string | null;
  revision: Generated<number>;
}

export interface AppPasswordTable {
  id: Generated<number>;
  mailbox_id: number;
  name: string;
  digest: string;
  secret: string;
  protocols: string;
  senders: string;
  expires: number;
  created: number;
  used: number;
  used_protocol: string;
  used_address: string;
}

export interface ScramKeyTable {
  mailbox_id: number;
  hash: string;
  app_password_id: number;
  made_of: string;
  salt: string;
  iterations: number;
  stored_key: string;
  server_key: string;
}

export interface SecretTable {
  name: string;
  value: string;
}

export interface MigrationTable {
  version: number;
  name: string;
  applied: number;
}

export interface DirectorySchema extends AdministrationSchema {
  domain: DomainTable;
  mailbox: MailboxTable;
  alias: AliasTable;
  alias_target: AliasTargetTable;
  vacation: VacationTable;
  list: ListTable;
  list_person: ListPersonTable;
  sender_right: SenderRightTable;
  caught_address: CaughtAddressTable;
  relay_recipient: RelayRecipientTable;
  mailbox_forward: MailboxForwardTable;
  last_login: LastLoginTable;
  alias_poster: AliasPosterTable;
  transport: TransportTable;
  bcc: BccTable;
  access_rule: AccessRuleTable;
  tag: TagTable;
  setting: SettingTable;
  event: EventTable;
  app_password: AppPasswordTable;
  scram_key: ScramKeyTable;
  secret: SecretTable;
  migration: MigrationTable;
}

export type DomainRow = Selectable<DomainTable>;
export type MailboxRow = Selectable<MailboxTable>;
export type AliasRow = Selectable<AliasTable>;
export type AppPasswordRow = Selectable<AppPasswordTable>;
export type SenderRightRow = Selectable<SenderRightTable>;
export type ListRow = Selectable<ListTable>;
