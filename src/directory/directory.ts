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
import { AliasDomains } from './alias-domains.ts';
import { Aliases } from './aliases.ts';
import { AppPasswords } from './app-passwords.ts';
import { Changes } from './change.ts';
import { type DirectoryFiles, openDirectoryFiles } from './database.ts';
import { Domains } from './domains.ts';
import { type DirectoryEvent, type EventQuery, listEvents } from './events.ts';
import { type DirectoryFinding, findFindings, isKnown } from './findings.ts';
import { Lists } from './lists.ts';
import { LoginNotes } from './login-notes.ts';
import { DirectoryLookups, type MailboxCredentials, type MailboxEntry } from './lookups.ts';
import { Mailboxes } from './mailboxes.ts';
import type { DirectorySchema } from './schema.ts';
import { SenderRights } from './sender-rights.ts';
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

export class Directory {
  readonly domains: Domains;
  readonly aliasDomains: AliasDomains;
  readonly mailboxes: Mailboxes;
  readonly aliases: Aliases;
  readonly lists: Lists;
  readonly appPasswords: AppPasswords;
  /** What logins leave behind. */
  readonly notes: LoginNotes;
  readonly senderRights: SenderRights;
  readonly lookups: DirectoryLookups;
  readonly #files: DirectoryFiles;
  readonly #db: Kysely<DirectorySchema>;
  readonly #snapshot: BriefSnapshot;

  private constructor(file: string, files: DirectoryFiles, options: DirectoryOptions) {
    const rules = options.extensionRules ?? plusExtensions;
    this.#files = files;
    this.#db = new Kysely<DirectorySchema>({ dialect: new SqliteDialect({ database: files.reader }) });
    const snapshot = new BriefSnapshot(files.reader);
    this.#snapshot = snapshot;
    this.lookups = new DirectoryLookups(files.reader, rules, snapshot);
    const changes = new Changes(files, options.clock, options.actor, rules, snapshot);
    this.domains = new Domains(this.#db, changes);
    this.aliasDomains = new AliasDomains(this.#db, changes);
    this.mailboxes = new Mailboxes(this.#db, changes, this.lookups);
    this.aliases = new Aliases(this.#db, changes);
    this.lists = new Lists(this.#db, changes);
    this.appPasswords = new AppPasswords(this.#db, changes);
    this.notes = new LoginNotes(file, options.readonly === true, () => snapshot.close());
    this.senderRights = new SenderRights(this.#db, changes, this.lookups);
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
    return await findFindings(this.#db, this.lookups);
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
    this.#snapshot.close();
    this.#files.reader.close();
    this.#files.writer?.connection.close();
  }
}
