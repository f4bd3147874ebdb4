// Second factors: codes of an app (TOTP, RFC 6238) with recovery codes, and passkeys (WebAuthn). What is checked here is
// what must not happen twice: a code's time step is taken once, and so is a recovery code, whatever asks at the same time.

import type { PasskeyRow } from './administration-schema.ts';
import { type Owner, ownerName, secretDigest } from './api-tokens.ts';
import type { Change, Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { refuse, refuseMissing, refuseTaken } from './refusal.ts';

export interface TotpState {
  readonly secret: string;
  readonly isConfirmed: boolean;
  readonly lastStep: number;
  readonly created: number;
}

export interface PasskeyInfo {
  readonly id: number;
  readonly name: string;
  readonly created: number;
  readonly used?: number;
}

export interface NewPasskey {
  readonly name: string;
  /** base64url */
  readonly credential: string;
  readonly publicKey: string;
  readonly counter: number;
  readonly transports: readonly string[];
}

export interface KnownPasskey extends NewPasskey {
  readonly id: number;
  readonly owner: Owner;
}

const maxPasskeys = 20;

export class SecondFactors {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  async totp({ kind, id }: Owner): Promise<TotpState | undefined> {
    const select = this.#db.selectFrom('totp').selectAll().where('owner_kind', '=', kind).where('owner_id', '=', id);
    const row = await select.executeTakeFirst();
    return (
      row && { secret: row.secret, isConfirmed: row.confirmed === 1, lastStep: row.last_step, created: row.created }
    );
  }

  /** Not asked for before it is confirmed; one that is not confirmed is replaced. */
  async startTotp(owner: Owner, secret: string): Promise<void> {
    await this.#changes.make(async ({ db, now }) => {
      const ofOwner = { owner_kind: owner.kind, owner_id: owner.id };
      const { kind, id } = owner;
      const row = db.selectFrom('totp').select('confirmed').where('owner_kind', '=', kind).where('owner_id', '=', id);
      if ((await row.executeTakeFirst())?.confirmed === 1) {
        refuseTaken('codes of an app are asked for already: switch them off first');
      }
      await db.deleteFrom('totp').where('owner_kind', '=', kind).where('owner_id', '=', id).execute();
      await db
        .insertInto('totp')
        .values({ ...ofOwner, secret, confirmed: 0, last_step: 0, created: now })
        .execute();
    });
  }

  async confirmTotp(owner: Owner, step: number, recoveryCodes: readonly string[]): Promise<void> {
    await this.#changes.make(async (change) => {
      const { kind, id } = owner;
      const { numUpdatedRows } = await change.db
        .updateTable('totp')
        .set({ confirmed: 1, last_step: step })
        .where('owner_kind', '=', kind)
        .where('owner_id', '=', id)
        .where('confirmed', '=', 0)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) refuseMissing('there is nothing to confirm');
      await change.db.deleteFrom('recovery_code').where('owner_kind', '=', kind).where('owner_id', '=', id).execute();
      for (const code of recoveryCodes) {
        const row = { owner_kind: kind, owner_id: id, digest: secretDigest(code) };
        await change.db.insertInto('recovery_code').values(row).execute();
      }
      await change.event('second-factor.add', await ownerName(change.db, owner), null, { kind: 'totp' });
    });
  }

  /** False: this code, or a later one, has been taken already. */
  async takeStep({ kind, id }: Owner, step: number): Promise<boolean> {
    return await this.#changes.make(async ({ db }) => {
      const { numUpdatedRows } = await db
        .updateTable('totp')
        .set({ last_step: step })
        .where('owner_kind', '=', kind)
        .where('owner_id', '=', id)
        .where('last_step', '<', step)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    });
  }

  async takeRecoveryCode({ kind, id }: Owner, code: string): Promise<boolean> {
    return await this.#changes.make(async ({ db }) => {
      const { numDeletedRows } = await db
        .deleteFrom('recovery_code')
        .where('owner_kind', '=', kind)
        .where('owner_id', '=', id)
        .where('digest', '=', secretDigest(code))
        .executeTakeFirst();
      return numDeletedRows === 1n;
    });
  }

  async removeTotp(owner: Owner): Promise<void> {
    await this.#changes.make(async (change) => {
      const { kind, id } = owner;
      for (const table of ['totp', 'recovery_code'] as const) {
        await change.db.deleteFrom(table).where('owner_kind', '=', kind).where('owner_id', '=', id).execute();
      }
      await change.event('second-factor.remove', await ownerName(change.db, owner), { kind: 'totp' }, null);
    });
  }

  async passkeys(owner: Owner): Promise<PasskeyInfo[]> {
    return (await passkeyRows(this.#db, owner)).map(describe);
  }

  /** Their credentials, so that a device is not registered twice. */
  async credentials(owner: Owner): Promise<string[]> {
    return (await passkeyRows(this.#db, owner)).map(({ credential }) => credential);
  }

  async addPasskey(owner: Owner, added: NewPasskey): Promise<PasskeyInfo> {
    const name = added.name.trim();
    if (name === '' || name.length > 64 || /[\u0000-\u001f\u007f]/.test(name)) {
      refuse('the name of a passkey is one line of 1 to 64 characters');
    }
    return await this.#changes.make(async (change) => {
      const present = await passkeyRows(change.db, owner);
      if (present.length >= maxPasskeys) refuse(`there are ${maxPasskeys} passkeys already: remove some`);
      const values = {
        owner_kind: owner.kind,
        owner_id: owner.id,
        name,
        digest: secretDigest(added.credential),
        credential: added.credential,
        public_key: added.publicKey,
        counter: added.counter,
        transports: added.transports.join(' ').slice(0, 128),
        created: change.now,
        used: 0,
      };
      const taken = change.db.selectFrom('passkey').select('id').where('digest', '=', values.digest);
      if ((await taken.executeTakeFirst()) !== undefined) refuseTaken('this passkey is registered already');
      const { id } = await change.db.insertInto('passkey').values(values).returning('id').executeTakeFirstOrThrow();
      await change.event('second-factor.add', await ownerName(change.db, owner), null, { kind: 'passkey', name });
      return describe({ ...values, id });
    });
  }

  async passkeyByCredential(credential: string): Promise<KnownPasskey | undefined> {
    const select = this.#db.selectFrom('passkey').selectAll().where('digest', '=', secretDigest(credential));
    const row = await select.executeTakeFirst();
    if (row === undefined) return undefined;
    const { id, name, public_key, counter, transports } = row;
    const owner = { kind: row.owner_kind, id: row.owner_id };
    return { id, name, credential, publicKey: public_key, counter, transports: transports.split(' '), owner };
  }

  async passkeyUsed(id: number, counter: number): Promise<void> {
    await this.#changes.make(async ({ db, now }) => {
      await db.updateTable('passkey').set({ counter, used: now }).where('id', '=', id).execute();
    });
  }

  async removePasskey(owner: Owner, id: number): Promise<void> {
    await this.#changes.make(async (change) => {
      const row = (await passkeyRows(change.db, owner)).find((one) => one.id === id);
      if (row === undefined) refuseMissing(`there is no passkey ${id}`);
      await removeRows(change, owner, [row]);
    });
  }
}

export async function removePasskeysOf(change: Change, owner: Owner): Promise<void> {
  await removeRows(change, owner, await passkeyRows(change.db, owner));
}

async function removeRows(change: Change, owner: Owner, rows: readonly PasskeyRow[]): Promise<void> {
  for (const { id, name } of rows) {
    await change.db.deleteFrom('passkey').where('id', '=', id).execute();
    const before = { kind: 'passkey', name };
    await change.event('second-factor.remove', await ownerName(change.db, owner), before, null);
  }
}

async function passkeyRows(db: DirectoryDatabase, { kind, id }: Owner): Promise<PasskeyRow[]> {
  const select = db.selectFrom('passkey').selectAll().where('owner_kind', '=', kind).where('owner_id', '=', id);
  return await select.orderBy('id').execute();
}

function describe({ id, name, created, used }: PasskeyRow): PasskeyInfo {
  return { id, name, created, ...(used === 0 ? {} : { used }) };
}
