// Who is logged in with a browser: an opaque token of 256 bits in a cookie, kept here as a digest, so that it can be taken
// away at once and outlives a restart. A session ends at a fixed time, and earlier when it is not used.

import { randomBytes } from 'node:crypto';
import type { WebSessionRow } from './administration-schema.ts';
import { makeSecret, type Owner, secretDigest } from './api-tokens.ts';
import type { Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { refuseMissing } from './refusal.ts';

export interface WebSessionInfo {
  readonly id: string;
  readonly created: number;
  readonly expires: number;
  readonly seen: number;
  readonly address: string;
  readonly program: string;
}

export const sessionMilliseconds = 12 * 3_600_000;
/** Without any request. */
export const idleMilliseconds = 2 * 3_600_000;
const maxSessionsOfOwner = 50;

export class WebSessions {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  async add(owner: Owner, address: string, program: string): Promise<WebSessionInfo & { readonly secret: string }> {
    const secret = makeSecret('phs_');
    return await this.#changes.make(async (change) => {
      await change.db.deleteFrom('web_session').where('expires', '<=', change.now).execute();
      const present = await rowsOf(change.db, owner);
      for (const { digest } of present.slice(maxSessionsOfOwner - 1)) {
        await change.db.deleteFrom('web_session').where('digest', '=', digest).execute();
      }
      const row = {
        digest: secretDigest(secret),
        id: randomBytes(12).toString('base64url'),
        owner_kind: owner.kind,
        owner_id: owner.id,
        created: change.now,
        expires: change.now + sessionMilliseconds,
        seen: change.now,
        address,
        program: program.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 255),
      };
      await change.db.insertInto('web_session').values(row).execute();
      if (owner.kind === 'admin') {
        const login = { last_login: change.now, last_login_address: address.slice(0, 64) };
        await change.db.updateTable('admin').set(login).where('id', '=', owner.id).execute();
      }
      return { ...describe(row), secret };
    });
  }

  /** The newest first. */
  async list(owner: Owner): Promise<WebSessionInfo[]> {
    return (await rowsOf(this.#db, owner)).map(describe);
  }

  async remove(owner: Owner, id: string): Promise<void> {
    await this.#changes.make(async (change) => {
      const { numDeletedRows } = await change.db
        .deleteFrom('web_session')
        .where('id', '=', id)
        .where('owner_kind', '=', owner.kind)
        .where('owner_id', '=', owner.id)
        .executeTakeFirst();
      if (numDeletedRows === 0n) refuseMissing(`there is no session ${id}`);
    });
  }

  /** Of somebody whose password has changed; `but` is the name of one that goes on. */
  async removeAll({ kind, id }: Owner, but?: string): Promise<void> {
    await this.#changes.make(async ({ db }) => {
      const all = db.deleteFrom('web_session').where('owner_kind', '=', kind).where('owner_id', '=', id);
      await (but === undefined ? all : all.where('id', '!=', but)).execute();
    });
  }
}

async function rowsOf(db: DirectoryDatabase, { kind, id }: Owner): Promise<WebSessionRow[]> {
  const select = db.selectFrom('web_session').selectAll().where('owner_kind', '=', kind).where('owner_id', '=', id);
  return await select.orderBy('created', 'desc').execute();
}

function describe({ id, created, expires, seen, address, program }: WebSessionRow): WebSessionInfo {
  return { id, created, expires, seen, address, program };
}
