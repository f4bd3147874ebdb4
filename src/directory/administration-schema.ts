// The tables of those who administer, as Kysely sees them. What each column means:
//
// admin      who may administer: `login` is folded; `password` a hash, '' where nobody can log in with one. `role` is
//            'host' (everything) or 'domain' (the domains of admin_domain). `must_change` 1: the password was made by
//            somebody else, and must be changed before anything else.
// totp, passkey, recovery_code  second factors of an administrator (`owner_kind` 'admin') or a mailbox ('mailbox'). `secret`
//            is base32; `confirmed` 0: not shown to work yet, and not asked for. `last_step` is the time step (RFC 6238)
//            of the last code that was taken: none is taken twice. A recovery code is kept as its SHA-256 and is gone once
//            used. A passkey's `digest` is the SHA-256 of its `credential` (base64url), `public_key` is COSE in base64url.
// api_token  `digest` is the SHA-256 of a secret that is too long to be guessed; `scopes` are words with blanks between.
//            `expires` and `used` are 0 for never.
// web_session  somebody who has logged in by a browser: `digest` as a token's; `id` names it for people.
// recovery_start  a recovery address that its owner has typed and not confirmed yet: `digest` is the SHA-256 of the code that
//            was mailed to it, `tries` counts wrong ones. recovery_link  a link to a new password: `digest` as a token's,
//            `address` where it was mailed to.
// recent_login  by what and from where somebody has logged in ('in') or failed to ('failed'), first and last.
// kept_answer  what was answered to a request with an Idempotency-Key: `asker` is who asked, `digest` the key's, `request`
//            the SHA-256 of what was asked.
// webhook    `owner_id` is the administrator whose eyes it has, 0 the host's. `events` are words with blanks between, '' is all.
//            `position` is the last event of the directory that it was told; `attempts` is how often what is next has
//            failed, and `next_attempt` when it is tried again.
// webhook_message  what is not in the table of events and waits to be told.

import type { Generated, Selectable } from 'kysely';

export type AdminRole = 'host' | 'domain';
export type OwnerKind = 'admin' | 'mailbox';

interface AdminTable {
  id: Generated<number>;
  login: string;
  name: string;
  password: string;
  role: AdminRole;
  active: number;
  must_change: number;
  created: number;
  /** 0: never. */
  last_login: Generated<number>;
  last_login_address: Generated<string>;
}

interface AdminDomainTable {
  admin_id: number;
  domain_id: number;
}

interface TotpTable {
  owner_kind: OwnerKind;
  owner_id: number;
  secret: string;
  confirmed: number;
  last_step: number;
  created: number;
}

interface RecoveryCodeTable {
  owner_kind: OwnerKind;
  owner_id: number;
  digest: string;
}

interface PasskeyTable {
  id: Generated<number>;
  owner_kind: OwnerKind;
  owner_id: number;
  name: string;
  digest: string;
  credential: string;
  public_key: string;
  counter: number;
  transports: string;
  created: number;
  used: number;
}

interface ApiTokenTable {
  id: Generated<number>;
  name: string;
  digest: string;
  owner_kind: OwnerKind;
  owner_id: number;
  scopes: string;
  created: number;
  expires: number;
  used: number;
  used_address: string;
}

interface WebSessionTable {
  digest: string;
  id: string;
  owner_kind: OwnerKind;
  owner_id: number;
  created: number;
  expires: number;
  seen: number;
  address: string;
  program: string;
}

interface KeptAnswerTable {
  asker: string;
  digest: string;
  request: string;
  status: number;
  answer: string;
  created: number;
}

interface WebhookTable {
  id: Generated<number>;
  name: string;
  url: string;
  secret: string;
  owner_id: number;
  events: string;
  active: number;
  note: string;
  created: number;
  position: number;
  failing_since: number;
  attempts: number;
  next_attempt: number;
}

interface RecoveryStartTable {
  mailbox_id: number;
  address: string;
  digest: string;
  expires: number;
  tries: number;
}

interface RecoveryLinkTable {
  digest: string;
  mailbox_id: number;
  address: string;
  created: number;
  expires: number;
}

interface RecentLoginTable {
  owner_kind: OwnerKind;
  owner_id: number;
  outcome: 'in' | 'failed';
  protocol: string;
  address: string;
  since: number;
  time: number;
}

interface WebhookMessageTable {
  id: Generated<number>;
  webhook_id: number;
  body: string;
  created: number;
}

export interface AdministrationSchema {
  admin: AdminTable;
  admin_domain: AdminDomainTable;
  totp: TotpTable;
  recovery_code: RecoveryCodeTable;
  passkey: PasskeyTable;
  api_token: ApiTokenTable;
  web_session: WebSessionTable;
  kept_answer: KeptAnswerTable;
  webhook: WebhookTable;
  webhook_message: WebhookMessageTable;
  recovery_start: RecoveryStartTable;
  recovery_link: RecoveryLinkTable;
  recent_login: RecentLoginTable;
}

export type AdminRow = Selectable<AdminTable>;
export type ApiTokenRow = Selectable<ApiTokenTable>;
export type WebSessionRow = Selectable<WebSessionTable>;
export type PasskeyRow = Selectable<PasskeyTable>;
export type WebhookRow = Selectable<WebhookTable>;
