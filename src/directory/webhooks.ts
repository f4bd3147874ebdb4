// Webhooks: addresses that are told of changes and deliveries. Changes wait in the table of events itself: a webhook has the
// place up to which it has been told, so nothing of them can be lost. Deliveries wait in webhook_message. What does not
// arrive is tried again, later and later; after days of failure a webhook is switched off, with a note.

import type { WebhookRow } from './administration-schema.ts';
import { makeSecret } from './api-tokens.ts';
import type { Change, Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { fold } from './mail-address.ts';
import { refuse, refuseMissing, refuseTaken } from './refusal.ts';

export interface WebhookInfo {
  /** Of its owner alone. */
  readonly name: string;
  /** The administrator's login; absent: the host's. */
  readonly owner?: string;
  readonly url: string;
  /** As `mailbox.add`, `mailbox.*`, `delivery.bounced`; empty: all. */
  readonly events: readonly string[];
  readonly active: boolean;
  /** Why it was switched off. */
  readonly note: string;
  readonly created: number;
  /** Since when nothing arrives. */
  readonly failingSince?: number;
  readonly nextAttempt?: number;
}

export interface DueWebhook extends WebhookInfo {
  readonly id: number;
  readonly secret: string;
  /** 0: the host's. */
  readonly ownerId: number;
  readonly position: number;
  readonly attempts: number;
}

export interface WebhookMessage {
  readonly id: number;
  readonly body: string;
}

/** Which webhook is meant: names are one for each owner. */
export interface WebhookOf {
  readonly name: string;
  /** The login of the administrator whose it is; absent: the host's, or that of who asks. */
  readonly owner?: string | undefined;
  /** Whoever asks sees those of this administrator alone; absent: all. */
  readonly seenBy?: number | undefined;
}

export interface NewWebhook {
  readonly name: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly ownerId: number;
}

const maxWebhooks = 200;
/** Of one administrator of domains, so that none takes the others' room. */
const maxOwned = 20;
/** Of one webhook, waiting; the oldest go. */
const maxMessages = 10_000;
const firstRetryMilliseconds = 5_000;
const maxRetryMilliseconds = 3_600_000;
const givesUpAfterMilliseconds = 3 * 86_400_000;

export class Webhooks {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  /** Told of what happens from now on. */
  async add(added: NewWebhook): Promise<WebhookInfo & { readonly secret: string }> {
    const secret = makeSecret('phw_');
    return await this.#changes.make(async (change) => {
      const rows = await change.db.selectFrom('webhook').select(['name', 'owner_id']).execute();
      const name = checkName(added.name);
      const owned = rows.filter((row) => row.owner_id === added.ownerId);
      if (owned.some((row) => row.name === name))
        refuseTaken(`there is a webhook "${name}" already: take another name`);
      if (added.ownerId !== 0 && owned.length >= maxOwned) refuse(`you have ${maxOwned} webhooks already: remove some`);
      if (rows.length >= maxWebhooks) {
        const mend = added.ownerId === 0 ? 'remove some' : 'ask an administrator of the host';
        refuse(`there are ${maxWebhooks} webhooks already: ${mend}`);
      }
      const last = change.db.selectFrom('event').select('id').orderBy('id', 'desc').limit(1);
      const values = {
        name,
        url: added.url,
        secret,
        owner_id: added.ownerId,
        events: joined(added.events),
        active: 1,
        note: '',
        created: change.now,
        position: (await last.executeTakeFirst())?.id ?? 0,
        failing_since: 0,
        attempts: 0,
        next_attempt: 0,
      };
      await change.db.insertInto('webhook').values(values).execute();
      const info = describe({ ...values, owner: await loginOf(change.db, added.ownerId) });
      await change.event('webhook.add', name, null, info);
      return { ...info, secret };
    });
  }

  /** `ownerId`: those of one administrator. */
  async list(ownerId?: number): Promise<WebhookInfo[]> {
    let select = withOwners(this.#db);
    if (ownerId !== undefined) select = select.where('owner_id', '=', ownerId);
    return (await select.orderBy('w.name').orderBy('w.owner_id').execute()).map(describe);
  }

  async need(which: WebhookOf): Promise<WebhookInfo> {
    return describe(await needRow(this.#db, which));
  }

  /** What signs, for a delivery that somebody asks for. */
  async target(which: WebhookOf): Promise<{ readonly url: string; readonly secret: string }> {
    const { url, secret } = await needRow(this.#db, which);
    return { url, secret };
  }

  async set(
    which: WebhookOf,
    settings: { readonly url?: string; readonly events?: readonly string[]; readonly active?: boolean },
  ): Promise<WebhookInfo> {
    return await this.#changes.make(async (change) => {
      const row = await needRow(change.db, which);
      const begins = settings.active === true && row.active === 0;
      const next = {
        url: settings.url ?? row.url,
        events: settings.events === undefined ? row.events : joined(settings.events),
        active: settings.active === undefined ? row.active : Number(settings.active),
        ...(begins || settings.url !== undefined ? { note: '', failing_since: 0, attempts: 0, next_attempt: 0 } : {}),
      };
      await change.db.updateTable('webhook').set(next).where('id', '=', row.id).execute();
      const after = describe({ ...row, ...next });
      await change.event('webhook.set', row.name, describe(row), after);
      return after;
    });
  }

  async remove(which: WebhookOf): Promise<void> {
    await this.#changes.make(async (change) => {
      const row = await needRow(change.db, which);
      await change.db.deleteFrom('webhook_message').where('webhook_id', '=', row.id).execute();
      await change.db.deleteFrom('webhook').where('id', '=', row.id).execute();
      await change.event('webhook.remove', row.name, describe(row), null);
    });
  }

  async due(now: number): Promise<DueWebhook[]> {
    const select = withOwners(this.#db).where('w.active', '=', 1).where('next_attempt', '<=', now);
    return (await select.orderBy('w.id').execute()).map((row) => ({
      ...describe(row),
      id: row.id,
      secret: row.secret,
      ownerId: row.owner_id,
      position: row.position,
      attempts: row.attempts,
    }));
  }

  async waiting(id: number, limit: number): Promise<WebhookMessage[]> {
    const select = this.#db.selectFrom('webhook_message').select(['id', 'body']).where('webhook_id', '=', id);
    return await select.orderBy('id').limit(limit).execute();
  }

  async enqueue(messages: readonly { readonly webhook: number; readonly body: string }[]): Promise<void> {
    await this.#changes.make(async ({ db, now }) => {
      for (const { webhook, body } of messages) {
        await db.insertInto('webhook_message').values({ webhook_id: webhook, body, created: now }).execute();
      }
      for (const id of new Set(messages.map(({ webhook }) => webhook))) {
        const ofWebhook = db.selectFrom('webhook_message').select('id').where('webhook_id', '=', id);
        const oldest = await ofWebhook.orderBy('id', 'desc').offset(maxMessages).limit(1).executeTakeFirst();
        if (oldest === undefined) continue;
        await db.deleteFrom('webhook_message').where('webhook_id', '=', id).where('id', '<=', oldest.id).execute();
      }
    });
  }

  /** False: another node tells it now, or has told it since it was read. Whoever may ends before `until`, or has ended. */
  async claim({ id, position, nextAttempt = 0 }: DueWebhook, until: number): Promise<boolean> {
    return await this.#changes.make(async ({ db }) => {
      const row = await db
        .selectFrom('webhook')
        .select(['active', 'position', 'next_attempt'])
        .where('id', '=', id)
        .executeTakeFirst();
      if (row?.active !== 1 || row.position !== position || row.next_attempt !== nextAttempt) return false;
      await db.updateTable('webhook').set({ next_attempt: until }).where('id', '=', id).execute();
      return true;
    });
  }

  /** Told of everything up to `position`, and of these messages. */
  async arrived(id: number, position: number, messages: readonly number[]): Promise<void> {
    await this.#changes.make(async ({ db }) => {
      const next = { position, failing_since: 0, attempts: 0, next_attempt: 0 };
      await db.updateTable('webhook').set(next).where('id', '=', id).execute();
      if (messages.length > 0) await db.deleteFrom('webhook_message').where('id', 'in', messages).execute();
    });
  }

  /** False: it has been switched off. */
  async failed(webhook: Pick<DueWebhook, 'id' | 'attempts' | 'failingSince'>, reason: string): Promise<boolean> {
    return await this.#changes.make(async ({ db, now }) => {
      const since = webhook.failingSince ?? now;
      const isOver = now - since > givesUpAfterMilliseconds;
      const pause = Math.min(maxRetryMilliseconds, firstRetryMilliseconds * 2 ** Math.min(webhook.attempts, 20));
      const next = {
        failing_since: since,
        attempts: webhook.attempts + 1,
        next_attempt: now + pause,
        note: reason.slice(0, 250),
        ...(isOver ? { active: 0 } : {}),
      };
      await db.updateTable('webhook').set(next).where('id', '=', webhook.id).execute();
      return !isOver;
    });
  }
}

/** With what waits for them. */
export async function removeWebhooksOf({ db }: Change, administrator: number): Promise<void> {
  const ofOwner = db.selectFrom('webhook').select('id').where('owner_id', '=', administrator);
  await db.deleteFrom('webhook_message').where('webhook_id', 'in', ofOwner).execute();
  await db.deleteFrom('webhook').where('owner_id', '=', administrator).execute();
}

type OwnedRow = WebhookRow & { readonly owner: string | null };

function withOwners(db: DirectoryDatabase) {
  const select = db.selectFrom('webhook as w').leftJoin('admin as a', 'a.id', 'w.owner_id');
  return select.selectAll('w').select('a.login as owner');
}

async function loginOf(db: DirectoryDatabase, id: number): Promise<string | null> {
  const row = await db.selectFrom('admin').select('login').where('id', '=', id).executeTakeFirst();
  return row?.login ?? null;
}

async function needRow(db: DirectoryDatabase, { name, owner, seenBy }: WebhookOf): Promise<OwnedRow> {
  let select = withOwners(db).where('w.name', '=', name);
  if (seenBy !== undefined) select = select.where('w.owner_id', '=', seenBy);
  const rows = await select.orderBy('w.owner_id').execute();
  const isMeant = (row: OwnedRow): boolean =>
    owner === undefined ? row.owner_id === (seenBy ?? 0) : row.owner === fold(owner.trim());
  const row = rows.find(isMeant);
  if (row !== undefined) return row;
  // Never the only one there is: whoever says the same again would remove another's.
  const others = rows.flatMap((one) => one.owner ?? []);
  if (owner !== undefined || others.length === 0)
    refuseMissing('there is no such webhook: see: posthaste webhook list');
  const have = others.length === 1 ? 'has one' : 'have one each';
  refuseMissing(`the host has no such webhook; ${others.join(', ')} ${have}: give --owner LOGIN`);
}

function describe(row: Omit<OwnedRow, 'id'>): WebhookInfo {
  const { name, owner, url, events, active, note, created, failing_since, next_attempt } = row;
  return {
    name,
    ...(owner === null ? {} : { owner }),
    url,
    events: events === '' ? [] : events.split(' '),
    active: active === 1,
    note,
    created,
    ...(failing_since === 0 ? {} : { failingSince: failing_since }),
    ...(next_attempt === 0 ? {} : { nextAttempt: next_attempt }),
  };
}

/** As long as the column on a server is. */
function joined(events: readonly string[]): string {
  const text = events.join(' ');
  if (text.length > 1024) refuse('the kinds of events are too many: name areas, as mailbox.*');
  return text;
}

function checkName(text: string): string {
  const name = text.trim();
  if (!/^[\w .-]{1,64}$/.test(name))
    refuse('the name of a webhook has 1 to 64 letters, digits, blanks, ".", "-" and "_"');
  return name;
}
