// What can be listed and changed in the directory, put together for one actor.

import type { Clock } from '../lib/clock.ts';
import { AccessRules } from './access-rules.ts';
import { AliasDomains } from './alias-domains.ts';
import { Aliases } from './aliases.ts';
import { AppPasswords } from './app-passwords.ts';
import { Administrators } from './administrators.ts';
import { ApiTokens } from './api-tokens.ts';
import { Changes } from './change.ts';
import { type DirectoryDatabase } from './database.ts';
import { Bccs } from './bccs.ts';
import { BulkChanges } from './bulk-changes.ts';
import { CatchAlls } from './catch-alls.ts';
import { Domains } from './domains.ts';
import { type DirectoryEvent, type EventQuery, listEvents } from './events.ts';
import { InstallationSecrets } from './installation-secrets.ts';
import { KeptAnswers } from './kept-answers.ts';
import { Lists } from './lists.ts';
import { DirectoryLookups } from './lookups.ts';
import { Mailboxes } from './mailboxes.ts';
import { RecentLogins } from './recent-logins.ts';
import { Recovery } from './recovery.ts';
import { RelayRecipients } from './relay-recipients.ts';
import { ReverseLookups } from './reverse.ts';
import { SenderRights } from './sender-rights.ts';
import { DirectorySettings } from './settings.ts';
import { SecondFactors } from './second-factors.ts';
import { Webhooks } from './webhooks.ts';
import { WebSessions } from './web-sessions.ts';
import { Tags } from './tags.ts';
import { Transports } from './transports.ts';

/** What can be listed and changed, by one actor: each change for itself, or all in one transaction (`whole`). */
export interface DirectoryView {
  readonly domains: Domains;
  readonly aliasDomains: AliasDomains;
  readonly mailboxes: Mailboxes;
  readonly aliases: Aliases;
  readonly lists: Lists;
  readonly appPasswords: AppPasswords;
  readonly senderRights: SenderRights;
  readonly administrators: Administrators;
  readonly tokens: ApiTokens;
  readonly sessions: WebSessions;
  readonly secondFactors: SecondFactors;
  readonly recovery: Recovery;
  readonly recentLogins: RecentLogins;
  readonly webhooks: Webhooks;
  readonly keptAnswers: KeptAnswers;
  readonly transports: Transports;
  readonly bccs: Bccs;
  readonly accessRules: AccessRules;
  readonly relayRecipients: RelayRecipients;
  readonly catchAlls: CatchAlls;
  readonly tags: Tags;
  /** Many at once. */
  readonly bulk: BulkChanges;
  readonly settings: DirectorySettings;
  /** What leads to an address. */
  readonly reverse: ReverseLookups;
  readonly installation: InstallationSecrets;
  readonly lookups: DirectoryLookups;
  events(query?: EventQuery): Promise<DirectoryEvent[]>;
}

export function openView(
  db: DirectoryDatabase,
  changes: Changes,
  lookups: DirectoryLookups,
  clock: Clock,
): DirectoryView {
  return {
    domains: new Domains(db, changes, clock),
    aliasDomains: new AliasDomains(db, changes),
    mailboxes: new Mailboxes(db, changes, lookups),
    aliases: new Aliases(db, changes),
    lists: new Lists(db, changes),
    appPasswords: new AppPasswords(db, changes),
    senderRights: new SenderRights(db, changes, lookups),
    administrators: new Administrators(db, changes),
    tokens: new ApiTokens(db, changes),
    sessions: new WebSessions(db, changes),
    secondFactors: new SecondFactors(db, changes),
    recovery: new Recovery(db, changes),
    recentLogins: new RecentLogins(db),
    webhooks: new Webhooks(db, changes),
    keptAnswers: new KeptAnswers(db, changes),
    transports: new Transports(db, changes, lookups),
    bccs: new Bccs(db, changes),
    accessRules: new AccessRules(db, changes),
    relayRecipients: new RelayRecipients(db, changes),
    catchAlls: new CatchAlls(db, changes, lookups),
    tags: new Tags(db, changes),
    bulk: new BulkChanges(changes),
    settings: new DirectorySettings(db, changes),
    reverse: new ReverseLookups(db),
    installation: new InstallationSecrets(changes),
    lookups,
    events: (query = {}) => listEvents(db, query),
  };
}
