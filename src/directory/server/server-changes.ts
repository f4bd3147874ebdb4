// How a change is made where the directory is on a server: the state's row is locked there, which keeps all other nodes from
// changing anything; the local copy is brought to that state, the work is done in a transaction on it, and what it did to
// rows is done on the server. Committed there first, then here: after a crash in between the copy catches up by itself. What
// meets another transaction is made again as a whole, so nobody sees more of it than a moment's delay.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  ServerRefusal,
  type ServerSession,
  ServerUnavailable,
  TryAgain,
} from '../../database/server/server-session.ts';
import type { SqliteConnection } from '../../database/sqlite.ts';
import { TemporaryError } from '../../lib/temporary-error.ts';
import type { DirectoryDatabase } from '../database.ts';
import { refuse } from '../refusal.ts';
import { beginImmediate, type Position, type ReplicaFile } from './replica-file.ts';
import { catchUp, isAt } from './replica-pull.ts';
import { RowJournal } from './row-journal.ts';
import type { ServerLink } from './server-link.ts';
import { beginWriting, ServerWriter } from './server-writes.ts';

export interface ServerChangesOptions {
  readonly link: ServerLink;
  readonly replica: ReplicaFile;
  readonly writer: { readonly connection: SqliteConnection; readonly db: DirectoryDatabase };
  readonly onProgress: (text: string) => void;
  /** Between the two commits: for tests of a crash there. */
  readonly onCommitted?: () => Promise<void>;
}

export type Work<T> = (db: DirectoryDatabase) => Promise<T>;

const maxAttempts = 100;
const maxPauseMilliseconds = 50;

export class ServerChanges {
  readonly #options: ServerChangesOptions;
  readonly #journal: RowJournal;

  constructor(options: ServerChangesOptions) {
    this.#options = options;
    this.#journal = new RowJournal(options.writer.connection, options.replica.shapes, 'temp.row_journal');
    this.#journal.record();
  }

  /** One at a time in this process. */
  async make<T>(work: Work<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#options.link.use('work', (session) => this.#attempt(session, work));
      } catch (error) {
        if (error instanceof UnknownOutcome) {
          if (await this.#wasMade(error.position)) return error.result as T;
        } else if (error instanceof ServerRefusal) {
          throw explain(error);
        } else if (!(error instanceof TryAgain)) {
          throw error;
        }
        if (attempt === maxAttempts) throw new TemporaryError('the directory is busy: try again', { cause: error });
      }
      await sleep(Math.random() * Math.min(maxPauseMilliseconds, 5 * attempt));
    }
  }

  async #attempt<T>(session: ServerSession, work: Work<T>): Promise<T> {
    const { replica, onProgress, writer } = this.#options;
    try {
      const state = await beginWriting(session);
      await catchUp({ session, replica, onProgress }, state);
      return await writer.db.connection().execute(async (db) => {
        await beginImmediate(writer.connection);
        try {
          // On Galera another node's commit can have come in; it is found out when this one commits.
          if (!isAt(replica.position(), state)) throw new TryAgain('the local copy has moved on');
          const result = await work(db);
          const writes = new ServerWriter(session);
          for (const page of this.#journal.pages()) await writes.write(page);
          const next = await writes.finish(state);
          await this.#commit(session, next, result);
          await this.#options.onCommitted?.();
          this.#commitHere(next);
          return result;
        } catch (error) {
          if (writer.connection.inTransaction) writer.connection.exec('ROLLBACK');
          throw error;
        }
      });
    } catch (error) {
      if (session.isOpen && !(error instanceof UnknownOutcome)) {
        await session.query('ROLLBACK').catch(() => session.close());
      }
      throw error;
    }
  }

  async #commit(session: ServerSession, next: Position | undefined, result: unknown): Promise<void> {
    try {
      await session.query(next === undefined ? 'ROLLBACK' : 'COMMIT');
    } catch (error) {
      if (!(error instanceof ServerUnavailable) || next === undefined) throw error;
      session.close();
      throw new UnknownOutcome(next, result);
    }
  }

  /** It is made: where the copy cannot be written (the disk is full), that is not told of the change. */
  #commitHere(next: Position | undefined): void {
    const { connection } = this.#options.writer;
    try {
      if (next !== undefined) {
        connection.prepare('INSERT OR REPLACE INTO replica_position VALUES (1, ?, ?)').run(next.revision, next.stamp);
      }
      this.#journal.clear();
      connection.exec('COMMIT');
    } catch (error) {
      if (connection.inTransaction) connection.exec('ROLLBACK');
      this.#options.onProgress(`the copy of the directory: ${(error as Error).message}`);
    }
  }

  /** The connection broke while the server was committing. It tells once it answers again, and once its lock is free. */
  async #wasMade({ revision, stamp }: Position): Promise<boolean> {
    try {
      return await this.#options.link.use('work', async (session) => {
        await beginWriting(session);
        const { rows } = await session.query('SELECT 1 FROM change_log WHERE "revision" >= ? AND "stamp" = ? LIMIT 1', [
          revision,
          stamp,
        ]);
        await session.query('ROLLBACK');
        return rows.length > 0;
      });
    } catch (error) {
      throw new TemporaryError(
        `it could not be found out whether the change was made (${(error as Error).message}): look, and try again`,
        { cause: error },
      );
    }
  }
}

class UnknownOutcome extends Error {
  readonly position: Position;
  readonly result: unknown;

  constructor(position: Position, result: unknown) {
    super('the connection ended during COMMIT');
    this.position = position;
    this.result = result;
  }
}

/** 22001 and 1406: longer than its column. */
function explain(error: ServerRefusal): Error {
  if (error.code !== '22001' && error.code !== '1406') return error;
  try {
    refuse(`something is too long for the directory's server: ${error.message}`);
  } catch (refusal) {
    return refusal as Error;
  }
}
