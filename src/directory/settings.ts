// Settings of the directory itself: who is its administrator, whether a catch-all's owner may send as any address of the
// domain, how long removed mailboxes can be restored.

import type { Changes } from './change.ts';
import type { DirectoryDatabase } from './database.ts';
import { refuse } from './refusal.ts';

const checks: Readonly<Record<string, { readonly isGood: RegExp; readonly mend: string }>> = {
  administrator: { isGood: /^\d+$/, mend: 'the id of a mailbox' },
  'catch-all-may-send': { isGood: /^(yes|no)$/, mend: 'yes or no' },
  'recovery-days': { isGood: /^\d{1,4}$/, mend: 'a number of days' },
};

export class DirectorySettings {
  readonly #db: DirectoryDatabase;
  readonly #changes: Changes;

  constructor(db: DirectoryDatabase, changes: Changes) {
    this.#db = db;
    this.#changes = changes;
  }

  /** In the order of names. */
  async list(): Promise<{ readonly name: string; readonly value: string }[]> {
    return await this.#db.selectFrom('setting').selectAll().orderBy('name').execute();
  }

  /** A parameter of main.cf has been changed over the network: in the history as all else. Undefined: it was not set. */
  async noteParameter(name: string, before: string | undefined, after: string | undefined): Promise<void> {
    const state = (value: string | undefined) => (value === undefined ? null : { value });
    await this.#changes.make((change) => change.event('parameter.set', name, state(before), state(after)));
  }

  /** Undefined takes the setting away, so that its default holds. */
  async set(name: string, value: string | undefined): Promise<void> {
    const check = checks[name];
    if (check === undefined) refuse(`there is no setting ${name}: there are ${Object.keys(checks).join(', ')}`);
    if (value !== undefined && !check.isGood.test(value)) refuse(`${name}: "${value}" is not ${check.mend}`);
    await this.#changes.make(async (change) => {
      const before = change.lookups.setting(name);
      if (before === value) return;
      await change.db.deleteFrom('setting').where('name', '=', name).execute();
      if (value !== undefined) await change.db.insertInto('setting').values({ name, value }).execute();
      const after = value === undefined ? null : { value };
      await change.event('setting.set', name, before === undefined ? null : { value: before }, after);
    });
  }
}
