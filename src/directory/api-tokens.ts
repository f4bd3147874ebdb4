// Tokens of the API: a secret for a program, shown once and kept as a digest, with scopes and an end. A token never may more
// than its owner, who is an administrator or the owner of a mailbox.

import { hash, randomBytes } from 'node:crypto';
import type { ApiTokenRow, OwnerKind } from './administration-schema.ts';
import type { Change, Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { refuse, refuseMissing, refuseTaken } from './refusal.ts';

export interface Owner {
  readonly kind: OwnerKind;
  readonly id: number;
}

export interface ApiTokenInfo {
  readonly id: number;
  readonly name: string;
  /** The administrator's login, or the mailbox's address. */
  readonly owner: string;
  readonly scopes: readonly string[];
  readonly created: number;
  readonly expires?: number;
  readonly used?: { readonly time: number; readonly address: string };
}

export interface NewApiToken {
  readonly owner: Owner;
  readonly name: string;
  readonly scopes: readonly string[];
  /** Milliseconds since 1970; 0: never. */
  readonly expires: number;
}

const maxTokensOfOwner = 100;
const tokenPrefix = 'pht_';

/** 256 random bits; the prefix lets scanners of leaked secrets know it. */
export function makeSecret(prefix = tokenPrefix): string {
  return `${prefix}${randomBytes(32).toString('base64url')}`;
}

export function secretDigest(secret: string): string {
  return hash('sha256', secret, 'base64url');
}

export class ApiTokens {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  /** The secret is known to nobody afterwards. */
  async add(added: NewApiToken): Promise<ApiTokenInfo & { readonly secret: string }> {
    const name = checkName(added.name);
    const secret = makeSecret();
    return await this.#changes.make(async (change) => {
      const owner = await ownerName(change.db, added.owner);
      if (added.expires !== 0 && added.expires <= change.now) refuse('the token would have ended already');
      const present = await rowsOf(change.db, added.owner);
      if (present.some((row) => row.name === name))
        refuseTaken(`${owner} has a token "${name}" already: take another name`);
      if (present.length >= maxTokensOfOwner) refuse(`${owner} has ${maxTokensOfOwner} tokens already: remove some`);
      const values = {
        name,
        digest: secretDigest(secret),
        owner_kind: added.owner.kind,
        owner_id: added.owner.id,
        scopes: added.scopes.join(' '),
        created: change.now,
        expires: added.expires,
        used: 0,
        used_address: '',
      };
      const { id } = await change.db.insertInto('api_token').values(values).returning('id').executeTakeFirstOrThrow();
      const info = describe({ ...values, id }, owner);
      await change.event('token.add', owner, null, info);
      return { ...info, secret };
    });
  }

  async list(owner: Owner): Promise<ApiTokenInfo[]> {
    const name = await ownerName(this.#db, owner);
    return (await rowsOf(this.#db, owner)).map((row) => describe(row, name));
  }

  /** `created`: a number may be given again. */
  async find(id: number, created: number): Promise<ApiTokenInfo | undefined> {
    const select = this.#db.selectFrom('api_token').selectAll().where('id', '=', id).where('created', '=', created);
    const row = await select.executeTakeFirst();
    return row && describe(row, await ownerName(this.#db, { kind: row.owner_kind, id: row.owner_id }));
  }

  /** Of everybody, by id. */
  async listAll(after: number, limit: number): Promise<ApiTokenInfo[]> {
    const rows = await this.#db
      .selectFrom('api_token')
      .selectAll()
      .where('id', '>', after)
      .orderBy('id')
      .limit(Math.min(limit, 1000))
      .execute();
    return await Promise.all(
      rows.map(async (row) => describe(row, await ownerName(this.#db, { kind: row.owner_kind, id: row.owner_id }))),
    );
  }

  /** `owner`: only a token of this one. */
  async remove(id: number, owner?: Owner): Promise<void> {
    await this.#changes.make(async (change) => {
      const row = await change.db.selectFrom('api_token').selectAll().where('id', '=', id).executeTakeFirst();
      const isForeign = owner !== undefined && (row?.owner_kind !== owner.kind || row.owner_id !== owner.id);
      if (row === undefined || isForeign) refuseMissing('there is no such token: see: posthaste token list');
      await change.db.deleteFrom('api_token').where('id', '=', id).execute();
      const name = await ownerName(change.db, { kind: row.owner_kind, id: row.owner_id });
      await change.event('token.remove', name, describe({ ...row, used: 0 }, name), null);
    });
  }
}

export async function removeTokensOf(change: Change, owner: Owner): Promise<void> {
  const rows = await rowsOf(change.db, owner);
  if (rows.length === 0) return;
  const { kind, id } = owner;
  await change.db.deleteFrom('api_token').where('owner_kind', '=', kind).where('owner_id', '=', id).execute();
  const name = await ownerName(change.db, owner);
  for (const row of rows) await change.event('token.remove', name, describe({ ...row, used: 0 }, name), null);
}

/** '' where the owner is gone. */
export async function ownerName(db: DirectoryDatabase, { kind, id }: Owner): Promise<string> {
  if (kind === 'admin') {
    const row = await db.selectFrom('admin').select('login').where('id', '=', id).executeTakeFirst();
    return row?.login ?? '';
  }
  const row = await db.selectFrom('mailbox').select('shown').where('id', '=', id).executeTakeFirst();
  return row?.shown ?? '';
}

async function rowsOf(db: DirectoryDatabase, { kind, id }: Owner): Promise<ApiTokenRow[]> {
  const select = db.selectFrom('api_token').selectAll().where('owner_kind', '=', kind).where('owner_id', '=', id);
  return await select.orderBy('id').execute();
}

function describe(
  { id, name, scopes, created, expires, used, used_address }: ApiTokenRow,
  owner: string,
): ApiTokenInfo {
  return {
    id,
    name,
    owner,
    scopes: scopes.split(' '),
    created,
    ...(expires === 0 ? {} : { expires }),
    ...(used === 0 ? {} : { used: { time: used, address: used_address } }),
  };
}

function checkName(text: string): string {
  const name = text.trim();
  if (name === '' || name.length > 64 || /[\u0000-\u001f\u007f]/.test(name)) {
    refuse('the name of a token is one line of 1 to 64 characters');
  }
  return name;
}
