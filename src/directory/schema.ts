// The tables of directory.db as Kysely sees them, in types that SQLite, PostgreSQL and MariaDB share: whole
// numbers and text; no booleans, no partial indexes. What each column means:
//
// domain     every name that we host. `kind` is its one address class, or `alias-domain` with `target_id`. So no name
//            can have two classes. `tombstone` is 0 while the row lives, then the row's own id: a unique index
//            over (name, tombstone) keeps only living names apart on every database. `maintenance` is why its mail is put
//            off for now, '' where it is not.
// mailbox    `localpart` is the folded key, `shown` the address as given. `id` is never given to another mailbox.
//            `maintenance` as a domain's; `message_limit` and `recipient_limit` are what its owner may send within a day,
//            0 without limit, -1 as the settings say.
//            `vacation_until` is 0 without a vacation, otherwise when its replies end: all that a delivery has to know.
// vacation   what a mailbox answers; `subject` '' is "Auto: " and the message's own, `starts` and `ends` 0 are open.
// alias      `localpart` '' is the domain's catch-all.
// alias_target  `domain` and `localpart` are the folded key of `address`, for the question what points at an address.
// list       a mailing list; `owner-NAME` and `NAME-request` belong to it. `post` says who may write to it.
// list_person   who has to do with a list: its members, owners, and those who may write to it besides
//            (`localpart` '': everybody of that domain).

import type { Generated, Selectable } from 'kysely';

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
}

export interface MigrationTable {
  version: number;
  name: string;
  applied: number;
}

export interface DirectorySchema {
  domain: DomainTable;
  mailbox: MailboxTable;
  alias: AliasTable;
  alias_target: AliasTargetTable;
  vacation: VacationTable;
  list: ListTable;
  list_person: ListPersonTable;
  setting: SettingTable;
  event: EventTable;
  migration: MigrationTable;
}

export type DomainRow = Selectable<DomainTable>;
export type MailboxRow = Selectable<MailboxTable>;
export type AliasRow = Selectable<AliasTable>;
export type ListRow = Selectable<ListTable>;
