// Kysely on the local copy of a server's directory: whoever gets a connection gets one with the server's state of this moment.

import type {
  DatabaseIntrospector,
  Dialect,
  DialectAdapter,
  Driver,
  Kysely,
  QueryCompiler,
  SqliteDialect,
} from 'kysely';
import type { ReplicaFreshness } from './directory-replica.ts';

export class FreshDialect implements Dialect {
  readonly #dialect: SqliteDialect;
  readonly #freshness: ReplicaFreshness;

  constructor(dialect: SqliteDialect, freshness: ReplicaFreshness) {
    this.#dialect = dialect;
    this.#freshness = freshness;
  }

  createDriver(): Driver {
    const driver = this.#dialect.createDriver();
    const acquire = driver.acquireConnection.bind(driver);
    driver.acquireConnection = async (options) => {
      await this.#freshness.fresh();
      return await acquire(options);
    };
    return driver;
  }

  createQueryCompiler(): QueryCompiler {
    return this.#dialect.createQueryCompiler();
  }

  createAdapter(): DialectAdapter {
    return this.#dialect.createAdapter();
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return this.#dialect.createIntrospector(db);
  }
}
