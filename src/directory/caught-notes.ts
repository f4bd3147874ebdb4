// Which names that nobody has fall to a catch-all, noted for the administrator to decide on (catch-alls.ts): who wrote
// first, how often, and when last. Gathered and written together after a second, as login-notes.ts does and for the same
// reasons: nobody waits for it, it waits for nobody, what a power cut loses is noted again with the next message, and it
// is no change of the configuration.
//
// Strangers make names up, so all is bounded: what waits to be written, and the proposals of a domain. A new one then
// takes the place of the one that was written to least, and of these the longest ago; a name that is used stays.

import type { SqliteConnection } from '../database/sqlite.ts';
import type { DirectoryLookups } from './lookups.ts';
import { openNotes } from './login-notes.ts';
import { caughtName } from './virtual-alias.ts';

const delayMilliseconds = 1000;
const maxPending = 2000;
const maxProposals = 1000;
/** To find the one that goes, all proposals of the domain are looked through: a fraction of a millisecond each time. */
const maxReplacedAtOnce = 20;
/** The column's length. */
const maxSenderCharacters = 330;

const countSql = `
  UPDATE caught_address SET messages = messages + ?, last_seen = ?,
    sender = CASE first_seen WHEN 0 THEN ? ELSE sender END, first_seen = CASE first_seen WHEN 0 THEN ? ELSE first_seen END
  WHERE domain_id = ? AND localpart = ?`;
const proposeSql = `
  INSERT INTO caught_address (domain_id, localpart, shown, state, sender, first_seen, last_seen, messages)
  VALUES (?, ?, ?, 'proposed', ?, ?, ?, ?)`;
const proposalsSql = "SELECT count(*) FROM caught_address WHERE domain_id = ? AND state = 'proposed'";
const dropSql = `
  DELETE FROM caught_address WHERE domain_id = ? AND localpart = (
    SELECT localpart FROM caught_address WHERE domain_id = ? AND state = 'proposed' ORDER BY messages, last_seen LIMIT 1)`;

interface Caught {
  readonly domainId: number;
  readonly localpart: string;
  readonly shown: string;
  readonly proposes: boolean;
  readonly sender: string;
  readonly first: number;
  last: number;
  messages: number;
}

export class CaughtNotes {
  readonly #file: string;
  readonly #open: (file: string) => SqliteConnection;
  readonly #lookups: DirectoryLookups;
  readonly #onWritten: () => void;
  readonly #pending = new Map<string, Caught>();
  #connection: SqliteConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Closed, or nothing may be written: what comes is forgotten. */
  #isOver: boolean;

  /** `open`: where the directory is on a server, a connection whose changes are sent there. */
  constructor(file: string, isReadonly: boolean, lookups: DirectoryLookups, onWritten: () => void, open = openNotes) {
    this.#file = file;
    this.#open = open;
    this.#isOver = isReadonly;
    this.#lookups = lookups;
    this.#onWritten = onWritten;
  }

  /** A message for this address (as the client gave it) has been accepted. Never throws: it is only a note. */
  accepted(address: string, sender: string, now: number): void {
    if (this.#isOver) return;
    try {
      this.#note(address, sender, now);
    } catch {
      // A directory that cannot be read: mail has been told so already.
    }
  }

  #note(address: string, sender: string, now: number): void {
    const caught = caughtName(this.#lookups, address);
    if (caught === undefined) return;
    const { domainId, localpart, domain } = caught;
    const key = `${domainId} ${localpart}`;
    const known = this.#pending.get(key);
    if (known !== undefined) {
      known.last = now;
      known.messages++;
      return;
    }
    if (this.#pending.size >= maxPending) return;
    this.#pending.set(key, {
      domainId,
      localpart,
      shown: `${localpart}@${(domain.target ?? domain).name}`,
      proposes: domain.catchAll === 'propose',
      sender: sender.slice(0, maxSenderCharacters),
      first: now,
      last: now,
      messages: 1,
    });
    this.#timer ??= setTimeout(() => this.flush(), delayMilliseconds).unref();
  }

  /** Writes what has gathered; false where it cannot be now (another program writes, the disk is full): it is tried again. */
  flush(): boolean {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending.size === 0) return true;
    try {
      this.#write();
      this.#pending.clear();
      this.#onWritten();
      return true;
    } catch {
      if (!this.#isOver) this.#timer = setTimeout(() => this.flush(), delayMilliseconds).unref();
      return false;
    }
  }

  close(): void {
    this.flush();
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#connection?.close();
    this.#connection = undefined;
  }

  #write(): void {
    this.#connection ??= this.#open(this.#file);
    const connection = this.#connection;
    const count = connection.prepare(countSql);
    const propose = connection.prepare(proposeSql);
    const proposals = connection.prepare(proposalsSql).pluck();
    const drop = connection.prepare(dropSql);
    const room = new Map<number, number>();
    let replaced = 0;
    const write = (one: Caught): void => {
      const { domainId, localpart, sender, first, last, messages } = one;
      if (count.run(messages, last, sender, first, domainId, localpart).changes > 0 || !one.proposes) return;
      const left = room.get(domainId) ?? maxProposals - Number(proposals.get(domainId));
      if (left <= 0 && ++replaced > maxReplacedAtOnce) return;
      if (left <= 0) drop.run(domainId, domainId);
      room.set(domainId, Math.max(0, left - 1));
      propose.run(domainId, localpart, one.shown, sender, first, last, messages);
    };
    connection
      .transaction(() => {
        for (const one of this.#pending.values()) write(one);
      })
      .immediate();
  }
}
