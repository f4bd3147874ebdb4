// The directory: what administrators edit. Domains with exactly one address class each, alias domains, mailboxes,
// aliases, catch-alls and mailing lists, and every change as an event. One file, directory.db, which the server and any number of
// commands open at the same time; a change is durable when its promise resolves and counts at once for every process.
//
// Two sides. The lists and changes (domains, aliasDomains, mailboxes, aliases) are asynchronous, go through Kysely and
// keep the schema to what PostgreSQL and MariaDB share. Where the directory is on such a server, this file is its copy, and all
// reads come after a comparison (server/directory-replica.ts). The lookups that mail waits for (lookups, tables.ts) are
// synchronous prepared statements on a read-only connection: they never wait for a writer.
//
// What no state of this file can express: a name in two classes, a mailbox in a domain of another class, two mailboxes
// with one address, an alias that goes round in a circle, an alias domain of an alias domain. What it can, and
// reports instead (findings): a domain without postmaster, an alias that leads to nobody.

import { Kysely, SqliteDialect } from 'kysely';
import type { ExtensionRules } from '../address/extension.ts';
import { withKeptStatements } from '../database/kept-statements.ts';
import type { SqliteConnection } from '../database/sqlite.ts';
import type { Clock } from '../lib/clock.ts';
import { AccessRules } from './access-rules.ts';
import { AliasDomains } from './alias-domains.ts';
import { Aliases } from './aliases.ts';
import { AppPasswords } from './app-passwords.ts';
import { Administrators } from './administrators.ts';
import { ApiTokens } from './api-tokens.ts';
import { type Change, Changes, shareChanges, type SharedChanges } from './change.ts';
import { type DirectoryFiles, knownVersion, openDirectoryFiles } from './database.ts';
import { BulkChanges } from './bulk-changes.ts';
import { Bccs } from './bccs.ts';
import { CatchAlls } from './catch-alls.ts';
import { CaughtNotes } from './caught-notes.ts';
import { type DirectoryView, openView } from './directory-view.ts';
import { Domains } from './domains.ts';
import { countEvents, type DirectoryEvent, type EventQuery, listEvents } from './events.ts';
import { type DirectoryFinding, findFindings, isKnown } from './findings.ts';
import { InstallationSecrets } from './installation-secrets.ts';
import { KeptAnswers } from './kept-answers.ts';
import { type HistoryQuery, listRevisions, type Revision } from './history.ts';
import { Lists } from './lists.ts';
import { LoginNotes } from './login-notes.ts';
import { DirectoryLookups, type MailboxCredentials, type MailboxEntry } from './lookups.ts';
import { Mailboxes } from './mailboxes.ts';
import type { RecentLogins } from './recent-logins.ts';
import type { Recovery } from './recovery.ts';
import { RelayRecipients } from './relay-recipients.ts';
import type { DirectorySchema } from './schema.ts';
import { type Need, neededBy, type NeededByQuery } from './needed-by.ts';
import { type Reverted, revert } from './revert.ts';
import { ReverseLookups } from './reverse.ts';
import type { DirectoryReplica, ReplicaOptions } from './server/directory-replica.ts';
import type { DirectoryServer } from './server/server-settings.ts';
import { pageOfRevisions, readShown, type RevisionPage, type RevisionQuery } from './revision-pages.ts';
import { SenderRights } from './sender-rights.ts';
import { DirectorySettings } from './settings.ts';
import { SecondFactors } from './second-factors.ts';
import { Webhooks } from './webhooks.ts';
import { WebSessions } from './web-sessions.ts';
import { Tags } from './tags.ts';
import { Transports } from './transports.ts';
import { BriefSnapshot, type DirectorySnapshot, heldSnapshot } from './brief-snapshot.ts';
import { openHeld, readTouched, showChanged, type TouchedRows, watchRows } from './touched-rows.ts';

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

/** A change that was made and undone: the directory without it and with it, until `close`. */
export interface Trial<T> {
  readonly result: T;
  readonly before: Directory;
  readonly after: Directory;
  /** The first of them. */
  readonly events: readonly DirectoryEvent[];
  readonly eventCount: number;
  readonly touched: TouchedRows;
  close(): void;
}

/** Ends a rehearsal. */
class Rehearsed extends Error {
  override name = 'Rehearsed';
}

/** A directory that is a part of a change, or that sees one state for as long as it is open. */
type Partial = { readonly change: Change } | { readonly isHeld: true };

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
  readonly settings: DirectorySettings;
  readonly reverse: ReverseLookups;
  readonly installation: InstallationSecrets;
  readonly lookups: DirectoryLookups;
  /** What logins leave behind. */
  readonly notes: LoginNotes;
  /** What falls to catch-alls. */
  readonly caught: CaughtNotes;
  /** Many at once: imports. */
  readonly bulk: BulkChanges;
  readonly #file: string;
  readonly #options: DirectoryOptions;
  readonly #files: DirectoryFiles;
  readonly #db: Kysely<DirectorySchema>;
  readonly #snapshot: DirectorySnapshot;
  readonly #shared: SharedChanges | undefined;
  /** The change that this one is a part of. */
  readonly #joined: Change | undefined;
  readonly #clock: Clock;
  readonly #replica: DirectoryReplica | undefined;

  private constructor(
    file: string,
    files: DirectoryFiles,
    options: DirectoryOptions,
    partial?: Partial,
    replica?: DirectoryReplica,
  ) {
    const rules = options.extensionRules ?? plusExtensions;
    const joined = partial !== undefined && 'change' in partial ? partial.change : undefined;
    this.#file = file;
    this.#options = options;
    this.#files = files;
    this.#joined = joined;
    this.#clock = options.clock;
    this.#replica = replica;
    const dialect = new SqliteDialect({ database: withKeptStatements(files.reader) });
    this.#db = joined?.db ?? new Kysely<DirectorySchema>({ dialect: replica?.dialect(dialect) ?? dialect });
    const snapshot = partial === undefined ? new BriefSnapshot(files.reader) : heldSnapshot;
    this.#snapshot = snapshot;
    this.#shared = partial === undefined ? shareChanges(files, options.clock, rules, snapshot) : undefined;
    if (replica) replica.onChange = () => snapshot.close();
    this.lookups = joined?.lookups ?? new DirectoryLookups(files.reader, rules, snapshot, replica);
    const changes = new Changes(this.#shared, options.actor, joined);
    this.bulk = new BulkChanges(changes, files.writer?.connection);
    const view = openView(this.#db, changes, this.lookups, options.clock);
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
    this.secondFactors = view.secondFactors;
    this.recovery = view.recovery;
    this.recentLogins = view.recentLogins;
    this.webhooks = view.webhooks;
    this.keptAnswers = view.keptAnswers;
    this.transports = view.transports;
    this.bccs = view.bccs;
    this.accessRules = view.accessRules;
    this.relayRecipients = view.relayRecipients;
    this.catchAlls = view.catchAlls;
    this.tags = view.tags;
    this.settings = view.settings;
    this.reverse = view.reverse;
    const leavesNoNotes = options.readonly === true || partial !== undefined;
    const onNoted = (): void => {
      snapshot.close();
      void replica?.sendNotes();
    };
    const open = replica && (() => replica.openNotes());
    this.notes = new LoginNotes(file, leavesNoNotes, onNoted, open);
    this.caught = new CaughtNotes(file, leavesNoNotes, this.lookups, onNoted, open);
    this.installation = view.installation;
  }

  /** Who makes the changes. */
  get actor(): string {
    return this.#options.actor;
  }

  /** The same for somebody else; it is open as long as this one. */
  as(actor: string): DirectoryView {
    return openView(this.#db, new Changes(this.#shared, actor, this.#joined), this.lookups, this.#clock);
  }

  /**
   * Everything that `work` reads and changes through its view is one transaction and one revision, that all who ask at
   * the same time share the disk's flush for; nothing is left of it where `work` throws. It must wait for nothing but the view.
   */
  async whole<T>(actor: string, work: (view: DirectoryView, change: Change) => Promise<T>): Promise<T> {
    return await new Changes(this.#shared, actor, this.#joined).make(async (change) => {
      const view = openView(change.db, new Changes(this.#shared, actor, change), change.lookups, this.#clock);
      return await work(view, change);
    });
  }

  /** As `whole`, and nothing is left of it in any case: what would come of it is told, as exactly as if it had been done. */
  async rehearse<T>(actor: string, work: (view: DirectoryView) => Promise<T>): Promise<T> {
    const done: T[] = [];
    try {
      await this.whole(actor, async (view) => {
        done.push(await work(view));
        throw new Rehearsed();
      });
    } catch (error) {
      if (!(error instanceof Rehearsed)) throw error;
    }
    return done[0] as T;
  }

  /** Makes changes and undoes them: nothing stays, and others wait no longer than for the changes themselves. */
  async tryOut<T>(work: (directory: Directory) => Promise<T>): Promise<Trial<T>> {
    const held: Directory[] = [];
    const close = (): void => held.forEach((directory) => directory.close());
    try {
      return await new Changes(this.#shared, this.#options.actor, this.#joined).tryOut(async (change) => {
        const { connection } = this.#files.writer as NonNullable<DirectoryFiles['writer']>;
        watchRows(connection);
        const result = await work(new Directory(this.#file, this.#files, this.#options, { change }));
        const { revision } = change;
        const events = revision === 0 ? [] : await listEvents(change.db, { revision, limit: 1000 });
        const eventCount = revision === 0 ? 0 : await countEvents(change.db, revision);
        // Nobody else has changed anything since the change began, and nobody can before it has ended.
        const [then, now] = [openHeld(this.#file), openHeld(this.#file)];
        const touched = readTouched(connection, then);
        showChanged(now, touched);
        const [before, after] = [this.#heldBy(then), this.#heldBy(now)];
        held.push(before, after);
        return { result, before, after, events, eventCount, touched, close };
      });
    } catch (error) {
      close();
      throw error;
    }
  }

  #heldBy(connection: SqliteConnection): Directory {
    const files = { writer: undefined, reader: connection };
    return new Directory(this.#file, files, { ...this.#options, readonly: true }, { isHeld: true });
  }

  /** Undoes a revision by a new one; RevertRefusedError where later changes stand in the way. */
  async revert(revision: number, actor = this.#options.actor): Promise<Reverted> {
    return await new Changes(this.#shared, actor, this.#joined).make(async (change) => {
      return await revert(
        openView(change.db, new Changes(this.#shared, actor, change), change.lookups, this.#clock),
        revision,
        change,
      );
    });
  }

  /** What names an object: it would break, or mean something else, if the object went. */
  async neededBy(object: string, query: NeededByQuery): Promise<Need[]> {
    return await neededBy(this.#db, object, query);
  }

  /** What was changed at once, the newest first. */
  async history(query: HistoryQuery = {}): Promise<Revision[]> {
    return await listRevisions(this.#db, query);
  }

  /** A page of it, for somebody who may see some of it. */
  async revisions(query: RevisionQuery): Promise<RevisionPage> {
    return await pageOfRevisions(this.#db, query);
  }

  async revisionShown(
    revision: number,
    query: Pick<RevisionQuery, 'show' | 'maxChanges'>,
  ): Promise<Revision | undefined> {
    return await readShown(this.#db, revision, query);
  }

  /** Creates the file where it is missing and brings an older one up to date; DirectoryOpenError where it cannot. */
  static async open(file: string, options: DirectoryOptions): Promise<Directory> {
    return new Directory(file, await openDirectoryFiles(file, options.readonly === true, options.clock), options);
  }

  /**
   * The directory on a server: `file` is the local copy (replicaFile). Opens also while the server cannot be reached; then every
   * question is a TemporaryError until it can.
   */
  static async openOnServer(
    server: DirectoryServer,
    file: string,
    options: DirectoryOptions & Pick<ReplicaOptions, 'warn' | 'limits' | 'onCommitted'>,
  ): Promise<Directory> {
    // Most directories are files: what a server needs is loaded where there is one.
    const { DirectoryReplica: Replica } = await import('./server/directory-replica.ts');
    const replica = await Replica.open({ ...options, server, file });
    return new Directory(file, replica.files, options, undefined, replica);
  }

  /** To be awaited before synchronous questions, where it is not undefined. Rejects with TemporaryError. */
  fresh(): Promise<void> | undefined {
    return this.lookups.fresh();
  }

  /** Writes what logins have left behind, and sends it where it belongs; false where it cannot be now. */
  async settle(): Promise<boolean> {
    return this.notes.flush() && ((await this.#replica?.sendNotes()) ?? true);
  }

  /** The schema's version, and for a copy of a server's directory the revision that it stands at. */
  standing(): { readonly schema: number; readonly revision?: number } {
    const revision = this.#replica?.standsAt();
    return { schema: knownVersion, ...(revision === undefined ? {} : { revision }) };
  }

  /** Another number than before: somebody has changed something. */
  revision(): number {
    return this.lookups.revision();
  }

  /** Through an alias domain too; `address` whole or without its extension. */
  mailboxByAddress(address: string): MailboxEntry | undefined {
    return this.lookups.mailboxByAddress(address);
  }

  /** As `mailboxByAddress`, for mail that was taken before a mailbox got another address. */
  mailboxOfAcceptedMail(address: string): MailboxEntry | undefined {
    const now = this.lookups.mailboxByAddress(address);
    if (now !== undefined) return now;
    const former = this.lookups.formerAddresses.mailboxOf(address);
    return former === undefined ? undefined : this.lookups.mailboxById(former);
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

  /** All of it as it is now, to a new file. */
  copyTo(file: string): void {
    this.#snapshot.close();
    this.#files.reader.prepare('VACUUM INTO ?').run(file);
  }

  close(): void {
    this.notes.close();
    this.caught.close();
    this.#replica?.close();
    this.#snapshot.close();
    // The reader last: then SQLite leaves the WAL and its index beside the file, without which a Postfix that may only read
    // the folder could not open it.
    this.#files.writer?.connection.close();
    this.#files.reader.close();
  }
}
