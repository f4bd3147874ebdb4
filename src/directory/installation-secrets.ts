// Secrets of the installation, by name. They are no changes that anybody looks back at, and leave no event.

import type { Changes } from './change.ts';

export class InstallationSecrets {
  readonly #changes: Changes;

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  async keep(name: string, value: string): Promise<void> {
    await this.#changes.make(async ({ db }) => {
      await db.deleteFrom('secret').where('name', '=', name).execute();
      await db.insertInto('secret').values({ name, value }).execute();
    });
  }

  async forget(name: string): Promise<void> {
    await this.#changes.make(async ({ db }) => {
      await db.deleteFrom('secret').where('name', '=', name).execute();
    });
  }
}
