// Rules of access(5) about clients, the names that they give, senders and recipients: a pattern and what is done. They
// refuse, put off, mark and let pass; to let pass ends only the list that a rule's table stands in, and never lets
// anybody relay (access/access-table.ts).

import { sql, type SqlBool } from 'kysely';
import { accessValueFault } from '../smtp/access-value.ts';
import { parsePattern } from './access-patterns.ts';
import type { Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { parseDomain } from './mail-address.ts';
import { refuse, refuseMissing, refuseTaken } from './refusal.ts';
import type { AccessStage } from './schema.ts';

export interface AccessRuleInfo {
  readonly stage: AccessStage;
  readonly pattern: string;
  /** As access(5) has it: `REJECT 5.7.1 text`. */
  readonly action: string;
  /** For people: why there is such a rule. */
  readonly note: string;
  /** Milliseconds since 1970. */
  readonly created: number;
}

export interface AccessRuleSettings {
  readonly action?: string;
  readonly note?: string;
  /** The configuration's restriction classes, which an action may name. */
  readonly classes?: Iterable<string>;
}

export interface AccessRuleQuery {
  readonly stage?: AccessStage;
  /** Whose patterns are this domain, names below it, or its addresses. */
  readonly domain?: string;
  /** The last one seen. */
  readonly after?: Pick<AccessRuleInfo, 'stage' | 'pattern'>;
  readonly limit?: number;
}

const maxActionCharacters = 512;
const maxNoteCharacters = 255;

export class AccessRules {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  async add(
    stage: AccessStage,
    pattern: string,
    settings: AccessRuleSettings & { readonly action: string },
  ): Promise<AccessRuleInfo> {
    const key = parsePattern(stage, pattern);
    const action = checkAction(settings.action, settings.classes);
    const note = checkNote(settings.note ?? '');
    return await this.#changes.make(async (change) => {
      const known = await find(change.db, stage, key);
      if (known !== undefined) {
        refuseTaken(
          `there is a rule for the ${stage} ${key} (${known.action}): change it with: posthaste access set --${stage} ${key} ACTION`,
        );
      }
      const row = { stage, pattern: key, action, note, created: change.now };
      await change.db.insertInto('access_rule').values(row).execute();
      await change.event('access.add', objectOf(row), null, row);
      return row;
    });
  }

  async set(stage: AccessStage, pattern: string, settings: AccessRuleSettings): Promise<AccessRuleInfo> {
    const key = parsePattern(stage, pattern);
    const action = settings.action === undefined ? undefined : checkAction(settings.action, settings.classes);
    const note = settings.note === undefined ? undefined : checkNote(settings.note);
    return await this.#changes.make(async (change) => {
      const row = await need(change.db, stage, key);
      const next = { action: action ?? row.action, note: note ?? row.note };
      await rowOf(change.db.updateTable('access_rule').set(next), stage, key).execute();
      const after = { ...row, ...next };
      await change.event('access.set', objectOf(row), row, after);
      return after;
    });
  }

  async remove(stage: AccessStage, pattern: string): Promise<void> {
    const key = parsePattern(stage, pattern);
    await this.#changes.make(async (change) => {
      const row = await need(change.db, stage, key);
      await rowOf(change.db.deleteFrom('access_rule'), stage, key).execute();
      await change.event('access.remove', objectOf(row), row, null);
    });
  }

  async show(stage: AccessStage, pattern: string): Promise<AccessRuleInfo> {
    return await need(this.#db, stage, parsePattern(stage, pattern));
  }

  async find(stage: AccessStage, pattern: string): Promise<AccessRuleInfo | undefined> {
    return await find(this.#db, stage, parsePattern(stage, pattern));
  }

  /** In the order of stages and patterns. */
  async list(query: AccessRuleQuery = {}): Promise<AccessRuleInfo[]> {
    let select = this.#db.selectFrom('access_rule').selectAll();
    if (query.stage !== undefined) select = select.where('stage', '=', query.stage);
    if (query.domain !== undefined) {
      const domain = parseDomain(query.domain);
      const isOfAddress = sql<SqlBool>`instr(pattern || ' ', ${`@${domain} `}) > 0`;
      select = select.where((eb) => eb.or([eb('pattern', 'in', [domain, `.${domain}`]), isOfAddress]));
    }
    if (query.after !== undefined) {
      const { stage, pattern } = query.after;
      select = select.where((eb) => eb(eb.refTuple('stage', 'pattern'), '>', eb.tuple(stage, pattern)));
    }
    return await select
      .orderBy('stage')
      .orderBy('pattern')
      .limit(Math.min(query.limit ?? 100, 1001))
      .execute();
  }
}

/** One line of printable ASCII: its text stands in SMTP replies (RFC 5321 §4.2). */
function checkAction(text: string, classes: Iterable<string> = []): string {
  const action = text.trim();
  if (action.length > maxActionCharacters) refuse(`an action is at most ${maxActionCharacters} characters long`);
  if (!/^[\x20-\x7e]*$/.test(action)) refuse('an action is one line of printable ASCII: it stands in SMTP replies');
  const fault = accessValueFault(action, new Set(classes));
  if (fault !== undefined) refuse(`the action "${action}" would not work: ${fault}`);
  return action;
}

function checkNote(text: string): string {
  const note = text.trim();
  if (/[\u0000-\u001f\u007f]/.test(note)) refuse('a note is one line of text');
  if (note.length > maxNoteCharacters) refuse(`a note has at most ${maxNoteCharacters} characters`);
  return note;
}

interface Narrowed {
  where(column: 'stage' | 'pattern', operator: '=', value: string): this;
}

function rowOf<Query extends Narrowed>(query: Query, stage: AccessStage, pattern: string): Query {
  return query.where('stage', '=', stage).where('pattern', '=', pattern);
}

async function find(db: DirectoryDatabase, stage: AccessStage, key: string): Promise<AccessRuleInfo | undefined> {
  return await rowOf(db.selectFrom('access_rule').selectAll(), stage, key).executeTakeFirst();
}

async function need(db: DirectoryDatabase, stage: AccessStage, key: string): Promise<AccessRuleInfo> {
  const row = await find(db, stage, key);
  if (row !== undefined) return row;
  refuseMissing(`there is no rule for the ${stage} ${key}: add it with: posthaste access add --${stage} ${key} ACTION`);
}

/** What an event names. */
function objectOf({ stage, pattern }: Pick<AccessRuleInfo, 'stage' | 'pattern'>): string {
  return `${stage} ${pattern}`;
}
