// One node at a time brings the schema of a MariaDB or MySQL server up to date (PostgreSQL has a lock of its own that ends
// with the transaction). Within one server GET_LOCK() tells at once when the holder has died; the nodes of a Galera cluster
// do not share it, so a row with an end that the holder puts off stands beside.

import { setTimeout as sleep } from 'node:timers/promises';
import { type ServerSession, TryAgain } from '../../database/server/server-session.ts';

/** A holder on another server is given up after this. */
const leaseSeconds = 30;
const renewMilliseconds = 5000;
const pauseMilliseconds = 200;
/** This server's own, which the other nodes of a cluster do not have. */
const here = "left(concat(@@hostname, ':', @@port, ':', @@datadir), 200)";

export class MigrationLock {
  readonly #session: ServerSession;
  readonly #name: string;
  #timer: NodeJS.Timeout | undefined;

  private constructor(session: ServerSession, name: string) {
    this.#session = session;
    this.#name = name;
  }

  /** Waits for whoever has it. The session is the lock's alone, and closed with it. */
  static async take(session: ServerSession, name: string): Promise<MigrationLock> {
    await session.query(
      `CREATE TABLE IF NOT EXISTS migration_lock (id integer NOT NULL PRIMARY KEY, holder varchar(64) NOT NULL,
        place varchar(255) NOT NULL, until bigint NOT NULL) ENGINE=InnoDB`,
    );
    await session.query("INSERT IGNORE INTO migration_lock VALUES (1, '', '', 0)");
    // Its names hold for the whole server.
    const own = "left(concat('posthaste ', database()), 64)";
    for (;;) {
      const { rows } = await session.query(`SELECT get_lock(${own}, 5)`);
      if (rows[0]?.[0] !== 1) continue;
      const { affected } = await session.query(
        `UPDATE migration_lock SET holder = ?, place = ${here}, until = unix_timestamp() + ${leaseSeconds}
         WHERE id = 1 AND (holder = '' OR place = ${here} OR until < unix_timestamp())`,
        [name],
      );
      if (affected === 1) break;
      await session.query(`DO release_lock(${own})`);
      await sleep(pauseMilliseconds);
    }
    const lock = new MigrationLock(session, name);
    lock.#timer = setInterval(() => void lock.check().catch(() => undefined), renewMilliseconds);
    return lock;
  }

  /** Throws TryAgain where it has gone to somebody else. */
  async check(): Promise<void> {
    const { affected } = await this.#session.query(
      `UPDATE migration_lock SET until = unix_timestamp() + ${leaseSeconds} WHERE id = 1 AND holder = ?`,
      [this.#name],
    );
    if (affected !== 1) throw new TryAgain('another node is changing the schema');
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#session
      .query("UPDATE migration_lock SET holder = '' WHERE id = 1 AND holder = ?", [this.#name])
      .catch(() => undefined);
    this.#session.close();
  }
}
