// The directory of a server as one node uses it: lookups and lists read the local copy, after Freshness has compared it with the
// server; changes are made on both (server-changes.ts); what logins leave behind is written here at once and sent after.

import { AsyncLocalStorage } from 'node:async_hooks';
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dialect, SqliteDialect } from 'kysely';
import { openSqlite, type SqliteConnection } from '../../database/sqlite.ts';
import { type SessionLimits, TryAgain } from '../../database/server/server-session.ts';
import type { Clock } from '../../lib/clock.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import { type DirectoryFiles, openDirectoryFiles } from '../database.ts';
import { DirectoryOpenError } from '../refusal.ts';
import { FreshDialect } from './fresh-dialect.ts';
import { Freshness } from './freshness.ts';
import { pruneLog } from './prune-log.ts';
import { type Position, removeOldReplicas, ReplicaFile } from './replica-file.ts';
import { isAt, pull } from './replica-pull.ts';
import { type RowChange, RowJournal } from './row-journal.ts';
import { ServerChanges, type ServerChangesOptions, type Work } from './server-changes.ts';
import { ServerLink } from './server-link.ts';
import { createServerSchema } from './server-schema.ts';
import type { DirectoryServer } from './server-settings.ts';
import { readState } from './server-state.ts';
import { beginWriting, ServerWriter } from './server-writes.ts';

export interface ReplicaOptions {
  readonly server: DirectoryServer;
  /** replicaFile() of the data folder. */
  readonly file: string;
  readonly clock: Clock;
  /** For log lines, or the command's standard error. */
  readonly warn: (text: string) => void;
  /** Changes nothing, also not the schema; the copy is renewed where its file may be written. */
  readonly readonly?: boolean;
  readonly limits?: SessionLimits;
  readonly onCommitted?: ServerChangesOptions['onCommitted'];
}

/** Changing ten million rows takes a server its time. */
const schemaLimits: SessionLimits = { connectMilliseconds: 5000, queryMilliseconds: 6 * 3_600_000 };
const resendMilliseconds = 1000;
const maxSendAttempts = 20;
const pruneMilliseconds = 600_000;
/** A reader waits so long for a process that may write the copy. */
const readerTries = 20;
const readerPauseMilliseconds = 100;

/** What the thread that speaks the protocols asks. */
export interface ReplicaFreshness {
  /** Undefined where nothing has to be waited for. Rejects with TemporaryError. */
  fresh(decision?: object): Promise<void> | undefined;
  /** Throws TemporaryError. */
  check(): void;
}

export class DirectoryReplica implements ReplicaFreshness {
  readonly files: DirectoryFiles;
  readonly #options: ReplicaOptions;
  readonly #link: ServerLink;
  readonly #replica: ReplicaFile;
  readonly #changes: ServerChanges | undefined;
  readonly #outbox: RowJournal | undefined;
  readonly #freshness = new Freshness(() => this.#compare());
  readonly #making = new AsyncLocalStorage<boolean>();
  #turn: Promise<unknown> = Promise.resolve();
  #isSchemaMade: boolean;
  /** Else whoever may does it, and is waited for. */
  readonly #mayRenew: boolean;
  #pruning: NodeJS.Timeout | undefined;
  #sending: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Called when the copy has changed: a snapshot that is open is old. */
  onChange: () => void = () => undefined;

  private constructor(options: ReplicaOptions, link: ServerLink, files: DirectoryFiles) {
    this.#options = options;
    this.#link = link;
    const { writer } = files;
    const isReadonly = options.readonly === true;
    this.#isSchemaMade = isReadonly;
    this.#mayRenew = writer !== undefined;
    this.#replica = new ReplicaFile(options.file, !this.#mayRenew);
    this.files = { ...files, writer: undefined };
    if (writer === undefined || isReadonly) {
      writer?.connection.close();
      return;
    }
    // Another process of this node may hold the lock while it waits for the server: the thread must not.
    writer.connection.pragma('busy_timeout = 0');
    const { warn: onProgress, onCommitted } = options;
    const parts = { link, replica: this.#replica, writer, onProgress };
    this.#changes = new ServerChanges({ ...parts, ...(onCommitted && { onCommitted }) });
    this.#outbox = this.#replica.outbox();
    this.files = { ...files, writer: { ...writer, transact: (work) => this.#transact(work) } };
  }

  /**
   * With a server that cannot be reached now it opens all the same: every question is a TemporaryError until it can. Throws
   * DirectoryOpenError where the server must not be used.
   */
  static async open(options: ReplicaOptions): Promise<DirectoryReplica> {
    const { file, clock, server, warn } = options;
    const mayRenew = isWritable(file);
    if (mayRenew && options.readonly !== true) removeOldReplicas(file);
    const link = new ServerLink(server, warn, options.limits);
    const files = await openDirectoryFiles(file, options.readonly === true && !mayRenew, clock);
    const replica = new DirectoryReplica(options, link, files);
    try {
      await replica.#freshness.compared();
    } catch (error) {
      const { cause, message } = error as Error;
      if (cause instanceof DirectoryOpenError || !(error instanceof TemporaryError)) {
        replica.close();
        throw cause instanceof DirectoryOpenError ? cause : error;
      }
      warn(message);
    }
    replica.#freshness.watch();
    if (options.readonly !== true)
      replica.#pruning = setInterval(() => void replica.#prune(), pruneMilliseconds).unref();
    return replica;
  }

  fresh(decision?: object): Promise<void> | undefined {
    // Whoever makes a change has the newest state, and the lock that a comparison would wait for.
    return this.#making.getStore() === true ? undefined : this.#freshness.fresh(decision);
  }

  /** For lists and changes: waits as `fresh` does. */
  dialect(copy: SqliteDialect): Dialect {
    return new FreshDialect(copy, this);
  }

  /** The server's revision that the copy has. */
  standsAt(): number | undefined {
    return this.#replica.position()?.revision;
  }

  check(): void {
    this.#freshness.check();
  }

  /** For what logins leave behind: it is written to the copy, and sent by `sendNotes`. */
  openNotes(): SqliteConnection {
    const connection = openSqlite(this.#options.file, { busyTimeout: 0, cacheKib: 1024, synchronous: 'NORMAL' });
    new RowJournal(connection, this.#replica.shapes, 'main.replica_outbox').record();
    return connection;
  }

  /** True when all has been sent; otherwise it is tried again later. */
  async sendNotes(): Promise<boolean> {
    clearTimeout(this.#sending);
    try {
      await this.#inTurn(() => this.#sendOutbox());
      return true;
    } catch {
      if (!this.#isClosed) this.#sending = setTimeout(() => void this.sendNotes(), resendMilliseconds).unref();
      return false;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#freshness.close();
    clearInterval(this.#pruning);
    clearTimeout(this.#sending);
    this.#link.close();
    this.#replica.close();
  }

  /** One at a time in this process: changes, and what brings the copy up to date. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work, work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #transact<T>(work: Work<T>): Promise<T> {
    const changes = this.#changes;
    if (changes === undefined) throw new Error('the copy is open for reading only');
    await this.#makeSchema();
    const result = await this.#inTurn(() => this.#making.run(true, () => changes.make(work)));
    this.onChange();
    return result;
  }

  async #compare(): Promise<void> {
    await this.#makeSchema();
    const state = await this.#link.use('ask', readState);
    if (isAt(this.#replica.position(), state)) return;
    if (!this.#mayRenew) await this.#waitForWriter(state);
    else await this.#inTurn(() => this.#pull());
    this.onChange();
  }

  async #pull(): Promise<void> {
    const { warn: onProgress } = this.#options;
    await this.#link.use('work', (session) => pull({ session, replica: this.#replica, onProgress }));
  }

  /** Whoever may only read the file relies on the server that runs here. */
  async #waitForWriter(state: Position): Promise<void> {
    for (let tries = 0; tries < readerTries; tries++) {
      await sleep(readerPauseMilliseconds);
      const position = this.#replica.position();
      if (isAt(position, state) || (position?.revision ?? 0) > state.revision) return;
    }
    throw new TemporaryError(
      'the copy of the directory here is old and only its owner can renew it: run this as root, or start the server',
    );
  }

  async #makeSchema(): Promise<void> {
    if (this.#isSchemaMade) return;
    const { clock, warn } = this.#options;
    const made = await createServerSchema({ open: () => this.#link.open(schemaLimits), clock });
    const last = made.at(-1);
    if (last !== undefined) warn(`the directory on ${this.#options.server.name} now has schema ${last.version}`);
    this.#isSchemaMade = true;
  }

  async #sendOutbox(): Promise<void> {
    const outbox = this.#outbox;
    if (outbox === undefined) return;
    for (const page of outbox.pages()) {
      await this.#sendPage(page);
      const last = page.at(-1)?.id ?? 0;
      await this.#replica.change(async () => outbox.clear(last));
    }
  }

  async #sendPage(page: readonly RowChange[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#link.use('work', async (session) => {
          try {
            const state = await beginWriting(session);
            const writer = new ServerWriter(session, true);
            await writer.write(page);
            await writer.finish(state);
            await session.query('COMMIT');
          } catch (error) {
            if (session.isOpen) await session.query('ROLLBACK').catch(() => session.close());
            throw error;
          }
        });
      } catch (error) {
        if (!(error instanceof TryAgain) || attempt === maxSendAttempts) throw error;
      }
      await sleep(Math.random() * 20 * attempt);
    }
  }

  /** Nobody waits for it, and the next time will do. */
  async #prune(): Promise<void> {
    await this.#inTurn(() => this.#link.use('work', pruneLog)).catch(() => undefined);
  }
}

function isWritable(file: string): boolean {
  try {
    accessSync(existsSync(file) ? file : dirname(file), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
