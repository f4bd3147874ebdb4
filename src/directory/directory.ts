// The directory: what administrators edit. Domains with exactly one address class each, alias domains, mailboxes,
// aliases, catch-alls and mailing lists, and every change as an event. One file, directory.db, which the server and any number of
// commands open at the same time; a change is durable when its promise resolves and counts at once for every process.
//
// Two sides. The lists and changes (domains, aliasDomains, mailboxes, aliases) are asynchronous, go through Kysely and
// keep the schema to what PostgreSQL and MariaDB share. The lookups that mail waits for (lookups, tables.ts) are
// synchronous prepared statements on a read-only connection: they never wait for a writer.
//
// What no state of this file can express: a name in two classes, a mailbox in a domain of another class, two mailboxes
// with one address, an alias that goes round in a circle, an alias domain of an alias domain. What it can, and
// reports instead (findings): a domain without postmaster, an alias that leads to nobody.

import { Kysely, SqliteDialect } from 'kysely';
import type { ExtensionRules } from '../address/extension.ts';
import type { Clock } from '../lib/clock.ts';
import { AccessRules } from './access-rules.ts';
import { AliasDomains } from './alias-domains.ts';
import { Aliases } from './aliases.ts';
import { AppPasswords } from './app-passwords.ts';
import { Administrators } from './administrators.ts';
import { ApiTokens } from './api-tokens.ts';
import { Changes, shareChanges, type SharedChanges } from './change.ts';
import { type DirectoryDatabase, type DirectoryFiles, openDirectoryFiles } from './database.ts';
import { BulkChanges } from './bulk-changes.ts';
import { Bccs } from './bccs.ts';
import { CatchAlls } from './catch-alls.ts';
import { CaughtNotes } from './caught-notes.ts';
import { Domains } from './domains.ts';
import { type DirectoryEvent, type EventQuery, listEvents } from './events.ts';
import { type DirectoryFinding, findFindings, isKnown } from './findings.ts';
import { KeptAnswers } from './kept-answers.ts';
import { Lists } from './lists.ts';
import { LoginNotes } from './login-notes.ts';
import { DirectoryLookups, type MailboxCredentials, type MailboxEntry } from './lookups.ts';
import { Mailboxes } from './mailboxes.ts';
import { RelayRecipients } from './relay-recipients.ts';
import type { DirectorySchema } from './schema.ts';
import { SenderRights } from './sender-rights.ts';
import { WebSessions } from './web-sessions.ts';
import { Tags } from './tags.ts';
import { Transports } from './transports.ts';
import { BriefSnapshot } from './brief-snapshot.ts';

export interface DirectoryOptions {
  /** Never writes, also not the schema: for commands that must leave no trace. */
  readonly readonly?: boolean;
  readonly clock: Clock;
  /** Who makes the changes, for the events: `root`, `api:anna@example.com`. */
  readonly actor: string;
  /** recipient_delimiter and its exceptions; by default `+`. */
  readonly extensionRules?: ExtensionRules;
}

const plusExtensions: ExtensionRules = {
  delimiters: '+',
  ownerRequestSpecial: true,
  doubleBounceSender: 'double-bounce',
};

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
  readonly keptAnswers: KeptAnswers;
  readonly transports: Transports;
  readonly bccs: Bccs;
  readonly accessRules: AccessRules;
  readonly relayRecipients: RelayRecipients;
  readonly catchAlls: CatchAlls;
  readonly tags: Tags;
  readonly lookups: DirectoryLookups;
}

function openView(db: DirectoryDatabase, changes: Changes, lookups: DirectoryLookups): DirectoryView {
  return {
    domains: new Domains(db, changes),
    aliasDomains: new AliasDomains(db, changes),
    mailboxes: new Mailboxes(db, changes, lookups),
    aliases: new Aliases(db, changes),
    lists: new Lists(db, changes),
    appPasswords: new AppPasswords(db, changes),
    senderRights: new SenderRights(db, changes, lookups),
    administrators: new Administrators(db, changes),
    tokens: new ApiTokens(db, changes),
    sessions: new WebSessions(db, changes),
    keptAnswers: new KeptAnswers(db, changes),
    transports: new Transports(db, changes, lookups),
    bccs: new Bccs(db, changes),
    accessRules: new AccessRules(db, changes),
    relayRecipients: new RelayRecipients(db, changes),
    catchAlls: new CatchAlls(db, changes, lookups),
    tags: new Tags(db, changes),
    lookups,
  };
}

export class Directory implements DirectoryView {
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
  readonly keptAnswers: KeptAnswers;
  readonly transports: Transports;
  readonly bccs: Bccs;
  readonly accessRules: AccessRules;
  readonly relayRecipients: RelayRecipients;
  readonly catchAlls: CatchAlls;
  readonly tags: Tags;
  readonly lookups: DirectoryLookups;
  /** What logins leave behind. */
  readonly notes: LoginNotes;
  /** What falls to catch-alls. */
  readonly caught: CaughtNotes;
  /** Many at once: imports. */
  readonly bulk: BulkChanges;
  readonly #files: DirectoryFiles;
  readonly #db: Kysely<DirectorySchema>;
  readonly #snapshot: BriefSnapshot;
  readonly #shared: SharedChanges | undefined;
  readonly #clock: Clock;

  private constructor(file: string, files: DirectoryFiles, options: DirectoryOptions) {
    const rules = options.extensionRules ?? plusExtensions;
    this.#files = files;
    this.#clock = options.clock;
    this.#db = new Kysely<DirectorySchema>({ dialect: new SqliteDialect({ database: files.reader }) });
    const snapshot = new BriefSnapshot(files.reader);
    this.#snapshot = snapshot;
    this.#shared = shareChanges(files, options.clock, rules, snapshot);
    this.lookups = new DirectoryLookups(files.reader, rules, snapshot);
    const changes = new Changes(this.#shared, options.actor);
    this.bulk = new BulkChanges(changes, files.writer?.connection);
    const view = openView(this.#db, changes, this.lookups);
    this.domains = view.domains;
    this.aliasDomains = view.aliasDomains;
    this.mailboxes = view.mailboxes;
    this.aliases = view.aliases;
    this.lists = view.lists;
    this.appPasswords = view.appPasswords;
    this.senderRights = view.senderRights;
    this.administrators = view.administrators;
    this.tokens = view.tokens;
    this.sessions = view.sessions;
    this.keptAnswers = view.keptAnswers;
    this.transports = view.transports;
    this.bccs = view.bccs;
    this.accessRules = view.accessRules;
    this.relayRecipients = view.relayRecipients;
    this.catchAlls = view.catchAlls;
    this.tags = view.tags;
    this.notes = new LoginNotes(file, options.readonly === true, () => snapshot.close());
    this.caught = new CaughtNotes(file, options.readonly === true, this.lookups, () => snapshot.close());
  }

  /** The same for somebody else; it is open as long as this one. */
  as(actor: string): DirectoryView {
    return openView(this.#db, new Changes(this.#shared, actor), this.lookups);
  }

  /**
   * Everything that `work` reads and changes through its view is one transaction and one revision, that all who ask at
   * the same time share the disk's flush for; nothing is left of it where `work` throws. It must wait for nothing but the view.
   */
  async whole<T>(actor: string, work: (view: DirectoryView) => Promise<T>): Promise<T> {
    return await new Changes(this.#shared, actor).make(async (change) => {
      return await work(openView(change.db, new Changes(this.#shared, actor, change), change.lookups));
    });
  }

  /** Creates the file where it is missing and brings an older one up to date; DirectoryOpenError where it cannot. */
  static async open(file: string, options: DirectoryOptions): Promise<Directory> {
    return new Directory(file, await openDirectoryFiles(file, options.readonly === true, options.clock), options);
  }

  /** Another number than before: somebody has changed something. */
  revision(): number {
    return this.lookups.revision();
  }

  /** Through an alias domain too; `address` whole or without its extension. */
  mailboxByAddress(address: string): MailboxEntry | undefined {
    return this.lookups.mailboxByAddress(address);
  }

  mailboxById(id: number): MailboxEntry | undefined {
    return this.lookups.mailboxById(id);
  }

  credentials(login: string): MailboxCredentials | undefined {
    return this.lookups.credentials(login);
  }

  async events(query: EventQuery = {}): Promise<DirectoryEvent[]> {
    return await listEvents(this.#db, query);
  }

  async findings(): Promise<DirectoryFinding[]> {
    return await findFindings(this.#db, this.lookups, this.#clock.now());
  }

  /** Addresses in our own domains that lead to nobody. */
  unknownTargets(targets: readonly string[]): string[] {
    return targets.filter((target) => {
      const at = target.lastIndexOf('@');
      const domain = this.lookups.domain(target.slice(at + 1));
      const isOurs = at > 0 && domain !== undefined && domain.kind !== 'relay';
      return isOurs && !isKnown(this.lookups, target.slice(0, at), domain.name);
    });
  }

  close(): void {
    this.notes.close();
    this.caught.close();
    this.#snapshot.close();
    this.#files.reader.close();
    this.#files.writer?.connection.close();
  }
}
